"""The policy benchmark prints nothing that Cedar does not confirm."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench.figure import Protocol
from bench.instances.ruled import AT, RULES, ruled_estate
from bench.peers.cedar import CedarPeer
from bench.suite import policy as suite
from situs.facts import load
from situs.policy import Policy


@pytest.mark.parametrize("seed", range(3))
def test_ours_and_cedars_decisions_agree(seed: int) -> None:
    intent = ruled_estate(sites=15, datasets=60, seed=seed)
    peer = CedarPeer(intent, load(), AT)
    theirs = peer.one_at_a_time()
    assert (theirs == peer.in_one_batch()).all()
    assert (suite._ours(intent, load()) == theirs).all()
    assert 0.05 < theirs.mean() < 0.6


def test_every_house_rule_decides_something() -> None:
    intent = ruled_estate(sites=40, datasets=200, seed=0)
    rules = Policy(intent, load(), AT)
    refusing = {
        refusal.rule
        for dataset in intent.datasets
        for site in intent.sites
        for refusal in rules.dataset_refusals(dataset, site)
    }
    assert set(RULES) <= refusing


def test_one_wrong_decision_stops_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    right = CedarPeer.one_at_a_time

    def wrong(peer: CedarPeer) -> np.ndarray:
        answers = right(peer)
        answers[3, 2] = not answers[3, 2]
        return answers

    monkeypatch.setattr(CedarPeer, "one_at_a_time", wrong)
    with pytest.raises(ValueError, match="1 decisions differ"):
        suite._decide(suite.Size(5, 10, beside_peer=True), seed=0)


def test_a_figure_tells_pairs_and_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "SIZES", (suite.Size(5, 20, beside_peer=True),))
    monkeypatch.setattr(suite, "CASES", 3)
    figure, wrong = suite.figures(Protocol(seeds=(0,)))
    told = json.loads(wrong.line())
    assert (told["name"], told["value"], told["bar"], told["cases"], wrong.met) == (
        "policy.wrong",
        0,
        0,
        3,
        True,
    )
    assert 0 < told["allowed"] < told["decisions"]
    line = json.loads(figure.line())
    assert line["name"] == "policy.5x20.time"
    assert (line["pairs"], line["bar"], line["seeds"]) == (100, 2.0, 1)
    assert line["value"] > 0 and line["peer_value"] > 0
