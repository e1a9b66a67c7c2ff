"""The LP and MILP library, without the banner it prints on every start.

The banner goes straight to the process's standard output, where a program may be reading our JSON.  The
library has no switch for it, so while an instance is made standard output leads nowhere.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from importlib.metadata import version
from typing import Any

import highspy

_LEADING_NOWHERE = threading.Lock()
"""Two threads that did this at once would leave standard output leading nowhere."""


class SolverFault(RuntimeError):
    """The library gave no answer; its status is in the message. Never taken for "no improvement"."""


def new_highs(**options: Any) -> Any:
    """A silent, single-threaded, deterministic solver instance with these options set."""
    with _LEADING_NOWHERE:
        sys.stdout.flush()
        libc = ctypes.CDLL(None)
        libc.fflush(None)
        kept = os.dup(1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 1)
            highs = highspy.Highs()  # type: ignore[no-untyped-call]
            libc.fflush(None)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            os.close(nowhere)
    # Changing `threads` after the first solve in a process makes later runs fail, so it is the same everywhere.
    for option, value in {"output_flag": False, "threads": 1, "random_seed": 0, **options}.items():
        if highs.setOptionValue(option, value) == highspy.HighsStatus.kError:
            raise SolverFault(f"the solver library does not know the option {option} = {value!r}")
    return highs


def accepted(status: Any) -> None:
    """Raises SolverFault where the library refused a call."""
    if status == highspy.HighsStatus.kError:
        raise SolverFault("the LP library refused a call; its input was inconsistent")


def library_version() -> str:
    """Name and version, for decision records."""
    return f"HiGHS {version('highspy')}"
