"""The first line of a program in a terminal is what is waited for, and what was not measured has no figure."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from bench.overhead.terminal import NoOutput, changed, first_line_s
from bench.suite.overhead import SITES, _told


def test_the_programs_line_counts_and_not_what_is_said_of_it(tmp_path: Path) -> None:
    changed(tmp_path, 1)
    words = [
        "sh",
        "-c",
        f"cat train.py; test -t 1 && sleep 0.3; {sys.executable} train.py; sleep 0.3; touch end",
    ]
    assert first_line_s(words, cwd=tmp_path, env=os.environ) >= 0.3
    assert (tmp_path / "end").exists(), "the command comes to its end"


def test_a_command_whose_program_says_nothing_is_an_error_that_tells_what_was_said(tmp_path: Path) -> None:
    with pytest.raises(NoOutput, match="no such cluster"):
        first_line_s(["sh", "-c", "echo no such cluster"], cwd=tmp_path, env=os.environ)


def test_a_folder_is_changed_when_its_number_is(tmp_path: Path) -> None:
    seen = []
    for number in (1, 2, 2):
        changed(tmp_path, number)
        seen.append((tmp_path / "train.py").read_bytes())
    assert seen[0] != seen[1] == seen[2]


def test_a_peer_that_could_not_run_has_no_figure_but_a_reason() -> None:
    took = {f"{site}-{state}": [1.0, 2.0, 3.0] for site in SITES for state in ("warm", "cold")}
    took |= {"SkyPilot 1.2: sky exec": [4.0, 4.0, 4.0], "srun python3 train.py": [0.5, 0.5, 0.5]}
    figures = list(_told(took, {"dstack": "cannot run here"}))
    lines = [json.loads(figure.line()) for figure in figures]
    assert len(lines) == len(SITES) * 2 * 2 * 2
    for figure, line in zip(figures, lines, strict=True):
        assert line["beside"] == {"srun python3 train.py": 0.5}
        if line["peer"] == "dstack":
            assert (line["peer_value"], line["ratio"], line["reason"]) == (None, None, "cannot run here")
            assert figure.met is None
        else:
            assert (line["peer_value"], figure.met) == (4.0, True)
    assert {line["value"] for line in lines if line["name"].endswith("p50")} == {2.0}
