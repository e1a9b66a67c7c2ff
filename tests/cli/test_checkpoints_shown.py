"""Where checkpoints are kept is shown, and a place that the rules refuse is an error."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.sites.local import LocalSite
from tests.cli.conftest import Call
from tests.cli.test_watching import watched

BOX = "{node: {cpu: 4, memory: 8GiB}, count: 2, price: {basis: owned, price: 0 EUR}}"
ESTATE = f"""
sites:
  attic: {{kind: on_prem, country: DE, clearance: 4, pools: {{box: {BOX}}}}}
  cellar: {{kind: on_prem, country: US, clearance: 2, pools: {{}}}}
datasets:
  scans: {{size_gb: 1, replicas: [attic], label: {{level: 2}}}}
workloads:
  train:
    stage: train
    shapes: [{{cpu: 1, memory: 1GiB}}]
    inputs: [{{dataset: scans}}]
    job: {{work: 1h}}
    run:
      command: [sh, -c, "echo 7 0.5 >$SITUS_REPORT; echo x >new; mv new weights; exec sleep 600"]
      state: [weights]
    checkpoint: {{size_gb: 1, interval: 1s, kept_at: [cellar]}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    replica = folder / ".situs" / "sites" / "attic" / "data" / "scans"
    replica.parent.mkdir(parents=True)
    replica.write_text("x")
    yield folder
    site = LocalSite(folder / ".situs" / "sites" / "attic" / "runs")
    for key in site.known():
        site.stop(key, grace_s=0.0)


@pytest.mark.slow
def test_status_history_and_figures_tell_where_it_is_and_how_old(call: Call, home: Path) -> None:
    assert call("plan", "-C", home).code == 0
    assert call("apply", "latest", "-C", home, "--by", "ann").code == 0
    with watched(home) as plane:
        deadline = time.monotonic() + 60
        while plane.figures().get(("situs_checkpoints", "site=cellar")) != 1:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert 0 <= plane.figures()["situs_checkpoint_age_seconds", "site=cellar"] < 60
        shown = call("status", "train", "-C", home).out
        (kept,) = json.loads(call("status", "train", "-C", home, "--json").out)["checkpoints"]
        past = call("history", "train", "-C", home, "--json").out
        explained = call("explain", "train", "-C", home).out
    for text in (shown, explained):
        assert "checkpoint of" in text and "cellar" in text and "2 B" in text
    assert (kept["site"], kept["step"], kept["size_bytes"]) == ("cellar", 7, 2)
    assert "is safe at cellar (1 file, 2 B, 2 B of it sent)" in past


@pytest.mark.parametrize(
    ("label", "rule"),
    [("level: 2, jurisdictions: [EU]", "jurisdiction-location"), ("level: 3", "clearance")],
)
def test_a_place_that_the_rules_refuse_is_an_error_that_names_the_rule(
    call: Call, home: Path, label: str, rule: str
) -> None:
    (home / "estate.yaml").write_text(ESTATE.replace("label: {level: 2}", f"label: {{{label}}}"))
    for command in ("validate", "plan"):
        done = call(command, "-C", home)
        assert done.code == 2
        assert "checkpoints of 'train' may not be kept at 'cellar'" in done.err and rule in done.err
    assert not (home / ".situs" / "latest").exists()


def test_what_has_no_state_has_no_checkpoint_and_sites_must_be_there(call: Call, home: Path) -> None:
    (home / "estate.yaml").write_text(ESTATE.replace("state: [weights]", "grace: 1s"))
    done = call("validate", "-C", home)
    assert done.code == 2 and "name them in run: {state: [...]}" in done.err
    (home / "estate.yaml").write_text(ESTATE.replace("kept_at: [cellar]", "kept_at: [celar]"))
    done = call("validate", "-C", home)
    assert done.code == 2 and "there is no site 'celar'" in done.err and "cellar" in done.err
