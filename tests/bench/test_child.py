"""A measured function runs in a process of its own, and none outlives its limit."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from bench.child import Failed, run_child

LIMIT_S = 6.0
"""Long enough for a process to start and say who it is, on a busy machine too."""


def _never_answers(where: str) -> int:
    Path(where).write_text(str(os.getpid()))
    threading.Event().wait()
    return 0


def _own_pid() -> int:
    return os.getpid()


def _takes_memory(mib: int) -> int:
    return len(b"\1" * (mib << 20))


def _raises() -> None:
    raise ValueError("the instance is empty")


def _ends() -> None:
    os._exit(7)


@pytest.mark.slow
def test_what_overruns_its_limit_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    ran = run_child(_never_answers, str(tmp_path / "pid"), hard_limit_s=LIMIT_S)
    assert ran.answer is None
    assert time.monotonic() - began >= LIMIT_S
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_runs_elsewhere_and_its_memory_is_measured() -> None:
    held_here = b"\1" * (400 << 20)
    assert run_child(_own_pid).answer != os.getpid()
    little, much = run_child(_takes_memory, 1), run_child(_takes_memory, 300)
    assert much.peak_gib > little.peak_gib + 0.25
    assert little.peak_gib < len(held_here) / 2**30, "what the parent holds is not the child's"


def test_an_exception_comes_back_with_its_traceback() -> None:
    with pytest.raises(Failed, match="ValueError: the instance is empty"):
        run_child(_raises)


def test_a_crash_is_no_answer() -> None:
    with pytest.raises(Failed, match="exit code 7"):
        run_child(_ends)
