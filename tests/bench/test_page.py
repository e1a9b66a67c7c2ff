"""What a run prints, and the page it renews."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bench.__main__ as command
import bench.page
from bench.figure import CannotMeasure, Figure, Protocol
from bench.page import renew_page, renew_rows, text

GOOD = Figure("a.gap", 0.01, "%", "peer", 0.5, {"bar": 0.05, "worst": 0.04})
LATE = Figure("a.time", 4.0, "s", extra={"bar": 5.0, "worst": 5.1})
PLAIN = Figure("a.cost", 123456.0, "USD", "peer that found nothing", math.inf)


def test_a_line_is_json_with_all_keys() -> None:
    line = json.loads(GOOD.line())
    assert line == {
        "name": "a.gap",
        "value": 0.01,
        "unit": "%",
        "peer": "peer",
        "peer_value": 0.5,
        "ratio": 0.02,
        "bar": 0.05,
        "worst": 0.04,
    }
    assert json.loads(PLAIN.line())["peer_value"] is None
    assert json.loads(PLAIN.line())["ratio"] is None


def test_the_worst_is_held_against_the_bar() -> None:
    assert (GOOD.met, LATE.met, PLAIN.met) == (True, False, None)


def test_the_page_says_what_was_met_missed_and_not_measured() -> None:
    page = text([GOOD, LATE, PLAIN], {"b": "the data are not here"}, Protocol((0, 1), (0.8, 1.0)))
    rows = {line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| `")}
    assert rows["a.gap"].endswith("| 0.02 | ≤ 0.05 | met |")
    assert rows["a.time"].endswith("| ≤ 5 | **missed** |")
    assert "| none found |" in rows["a.cost"]
    assert "123,456" in rows["a.cost"]
    assert "- Bars: 1 of 2 met" in page
    assert "- `b`: the data are not here" in page
    assert "`python -m bench --seeds 2 --tightness 0.8,1`" in page
    for told in ("- Date: 20", "- Machine: ", "cores, ", "highspy "):
        assert told in page


def test_the_rows_of_one_benchmark_are_replaced_and_dated(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    other = [Figure(f"{name}.x", 1.0, "s", extra={"bar": 2}) for name in ("0", "b")]
    renew_page([other[0], GOOD, LATE, other[1]], {"c": "not here"}, Protocol(), page)
    before = page.read_text()
    renew_rows("a", [replace(LATE, value=1.0, extra={"bar": 5.0}), GOOD], "python -m bench a", page)
    rows = [
        line.split("|")[1].strip(" `") for line in page.read_text().splitlines() if line.startswith("| `")
    ]
    assert rows == ["0.x", "a.time", "a.gap", "b.x"]
    assert "- Bars: 3 of 4 met" in before
    assert "- Bars: 4 of 4 met\n- `a` was measured at " in page.read_text()
    renew_rows("ab", [Figure("ab.new", 3.0, "s", extra={"bar": 2})], "python -m bench ab", page)
    renew_rows("ab", [Figure("ab.new", 3.0, "s", extra={"bar": 2})], "python -m bench ab", page)
    lines = page.read_text().splitlines()
    assert sum("ab.new" in line for line in lines) == 1
    assert sum("was measured" in line for line in lines) == 2
    assert "- Bars: 4 of 5 met" in lines
    assert lines[-1] == "- `c`: not here"


def test_the_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "benchmarks.md"
    renew_page([GOOD], {}, Protocol(), page)
    renew_page([LATE], {}, Protocol(), page)
    content = page.read_text(encoding="utf-8")
    assert "a.time" in content and "a.gap" not in content
    assert "Not measured" not in content


def test_a_full_run_measures_all_and_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(protocol: Protocol):  # type: ignore[no-untyped-def]
        yield GOOD
        raise CannotMeasure("fetch it first")

    suite = {"first": failing, "second": lambda protocol: iter([LATE])}
    renewed: list[tuple[list[Figure], dict[str, str]]] = []
    monkeypatch.setattr(command, "discover", lambda: list(suite))
    monkeypatch.setattr(command, "figures_of", suite.__getitem__)
    monkeypatch.setattr(command, "renew_page", lambda *page: renewed.append((page[0], page[1])))
    monkeypatch.setattr("sys.argv", ["bench"])
    assert command.main() == 1
    assert renewed == [([GOOD, LATE], {"first": "fetch it first"})]
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == ["a.gap", "a.time"]


def test_one_benchmark_prints_nothing_but_its_lines() -> None:
    before = bench.page.PAGE.read_bytes() if bench.page.PAGE.exists() else None
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "breakeven"], capture_output=True, text=True, check=True, timeout=60
    )
    found = {figure["name"]: figure["value"] for figure in map(json.loads, ran.stdout.splitlines())}
    assert found["breakeven.hours"] == 8556
    assert found["breakeven.off"] <= 0.5
    after = bench.page.PAGE.read_bytes() if bench.page.PAGE.exists() else None
    assert after == before


def test_every_benchmark_of_the_issue_is_there() -> None:
    asked = {"planner-1k", "planner-10k", "planner-100k", "planner-1m", "planner-trace", "replan"}
    assert asked | {"determinism", "breakeven"} <= set(command.discover())
