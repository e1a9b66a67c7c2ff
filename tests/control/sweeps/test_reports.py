"""Lines of reports: each read once, whole lines only, and what is no report is known to be none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from situs.control.sweeps.reading import wrong
from situs.control.sweeps.reports import MOST, parsed
from situs.store.sweeps import Report


def read(
    content: bytes, since: int = 0, *, whole: bool = False
) -> list[tuple[int, int | None, float | None]]:
    return [(r.line, r.step, r.value) for r in parsed(content, "many-0", 1, since, whole=whole)]


def test_lines_are_read_once_they_are_whole() -> None:
    assert read(b"1 0.5\n2 0.25\n3 0.1") == [(0, 1, 0.5), (1, 2, 0.25)]
    assert read(b"1 0.5\n2 0.25\n3 0.1", whole=True)[2:] == [(2, 3, 0.1)]
    assert read(b"1 0.5\n2 0.25\n3 0.125\n", since=2) == [(2, 3, 0.125)]
    assert read(b"") == []
    assert read(b"\n\n4\t1e-3\r\n") == [(2, 4, 0.001)]


def test_what_is_no_number_is_a_report_and_what_is_no_report_is_none() -> None:
    assert read(b"1 nan\n2 inf\n3 -inf\n") == [(0, 1, None), (1, 2, None), (2, 3, None)]
    for bad in (
        b"loss 0.5",
        b"1",
        b"1 2 3",
        b"-1 0.5",
        b"1.5 0.5",
        b"1 low",
        b"\xff\xfe 1",
        b"9" * 30 + b" 1",
    ):
        assert read(bad + b"\n") == [(0, None, None)], bad


def test_what_is_wrong_is_told_without_what_it_says() -> None:
    bad = parsed(b"1 0.5\npassword=x\nhello\n", "many-0", 1, 0, whole=False)
    assert wrong(bad) == ["line 2 of its reports and 1 more are not of the form STEP VALUE, such as 3 0.25"]
    assert wrong(bad[:1]) == []
    assert wrong([Report("many-0", 1, MOST - 1, 5, 0.1)]) == [
        "it has reported 100000 times; what it reports from now on is not read"
    ]
    assert len(parsed(b"1 1\n" * (MOST + 5), "many-0", 1, MOST - 1, whole=True)) == 1


def test_a_script_reports_with_situs_and_nothing_happens_where_nobody_asks(tmp_path: Path) -> None:
    script = "import situs; situs.report_value(1, 0.5); situs.report_value(2, 1)"
    env = dict(os.environ, SITUS_REPORT="situs-report")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, check=True)
    assert read((tmp_path / "situs-report").read_bytes()) == [(0, 1, 0.5), (1, 2, 1.0)]
    other = tmp_path / "other"
    other.mkdir()
    env.pop("SITUS_REPORT")
    subprocess.run([sys.executable, "-c", script], cwd=other, env=env, check=True)
    assert list(other.iterdir()) == []
