"""Whatever a command says in English, it says in German too."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from situs.cli.main import TOPICS
from situs.planner.analysis import drill
from situs.policy.builtin import BUILTIN
from situs.policy.joint import JOINT
from situs.store import replay
from tests.cli.conftest import Call


def catalogues() -> Iterator[tuple[str, Mapping[str, Mapping[str, Any]]]]:
    """Every table of texts that commands speak from."""
    for topic in (*TOPICS, "explained"):
        module = importlib.import_module(f"situs.cli.{topic}")
        for name, value in vars(module).items():
            if name.isupper() and isinstance(value, Mapping) and set(value) == {"en", "de"}:
                yield f"{topic}.{name}", value
    yield "drill.NAMES", drill.NAMES
    yield "replay.WORDS", replay.WORDS


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("name", "texts"), list(catalogues()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_text_has_its_twin(name: str, texts: Mapping[str, Any]) -> None:
    english, german = texts["en"], texts["de"]
    assert type(english) is type(german)
    if isinstance(english, str):
        assert blanks(english) == blanks(german)
    elif isinstance(english, Mapping):
        assert english.keys() == german.keys()
        for key, text in english.items():
            assert blanks(str(text)) == blanks(str(german[key])), key
    else:
        assert len(english) == len(german)


CALLS = {
    "validate": ["validate"],
    "plan": ["plan", "--no-record"],
    "explain": ["explain", "shop-train"],
    "why not": ["explain", "patients-train", "--why-not", "shop-edge"],
    "whatif": ["whatif", "--price", "aws=+30%", "--site-down", "private-cloud", "--kwh", "0.4EUR",
               "--demand", "shop-serve=2x", "--law", "eu-us-dpf=off"],
    "compare": ["compare"],
    "pareto": ["pareto", "--axes", "cost,control"],
    "posture": ["posture"],
    "usecases": ["usecases"],
    "rules": ["rules"],
    "rules priced": ["rules", "--price"],
    "breakeven": ["breakeven", "patients-train"],
    "exit": ["exit"],
}  # fmt: skip

SAME = {
    "pool", "spot", "name", "label", "plan", "optimal", "budget", "situs", "sha256", "alternative", "byte",
    # Names of laws and of sources, and values that stand in files.
    "dora", "catalog", "provider", "false", "true", "none",
    *(word for rule in (*BUILTIN, *JOINT) for word in rule.id.split("-")),
}  # fmt: skip
"""Words that are the same in both languages."""


@pytest.mark.parametrize("name", CALLS)
def test_german_output_has_no_english_words(call: Call, estate: Path, name: str) -> None:
    english, german = _both(call, *CALLS[name], "-C", estate)
    left = _words(english) & _words(german) - _words(_names(estate)) - SAME
    assert not left, f"{sorted(left)} in:\n{german}"


def test_records_replay_and_diff(call: Call, estate: Path, tmp_path: Path) -> None:
    call("plan", "-C", estate)
    call("plan", "-C", estate, "--off", "clearance", "--currency", "USD", "--out", tmp_path / "other.json")
    known = _words(_names(estate)) | SAME
    for arguments in (["records"], ["replay"], ["diff", "latest", "latest"]):
        english, german = _both(call, *arguments, "-C", estate)
        assert not _words(english) & _words(german) - known, german
    first = call("records", "-C", estate, "--json").json[0]["id"]
    english, german = _both(call, "diff", first, "latest", "-C", estate)
    assert {"made", "from", "switched"} <= _words(english)
    assert {"entstanden", "abgeschaltet"} <= _words(german)
    assert not {"made", "workload", "replica", "dropped", "held", "left"} & _words(german)
    assert call("--lang", "de", "diff", first, "latest", "-C", estate, "--json").out == (
        call("diff", first, "latest", "-C", estate, "--json").out
    )


def test_init(call: Call, tmp_path: Path) -> None:
    english, german = _both(call, "init", "--country", "DE", "--force", tmp_path / "new")
    assert "look through it" in english
    assert "durchsehen" in german


def _both(call: Call, *arguments: str | Path) -> tuple[str, str]:
    done = [call("--lang", lang, *arguments) for lang in ("en", "de")]
    assert [each.err for each in done] == ["", ""]
    return done[0].out, done[1].out


def _names(estate: Path) -> str:
    return (estate / "estate.yaml").read_text(encoding="utf-8")


def _words(text: str) -> set[str]:
    """Words as people read them: paths, ids and names with digits or signs in them are none."""
    return set(re.findall(r"(?<![\w./:-])[a-z]{4,}(?![\w./-])", text.lower()))
