"""Run a function in a process of its own: its memory is its own, and it can be ended when it overruns."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Failed(Exception):
    """The child raised; the message carries its traceback."""


@dataclass(frozen=True)
class Ran(Generic[Answer]):
    answer: Answer | None
    """None if it was ended at its hard limit"""
    peak_gib: float
    """largest resident set of the whole process, drawing of the instance included"""


def run_child(
    function: Callable[..., Answer], *arguments: object, hard_limit_s: float = 1800.0
) -> Ran[Answer]:
    """``function(*arguments)`` in a fresh process; both must be importable and picklable."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sending, function, arguments))
    process.start()
    sending.close()
    deadline = time.monotonic() + hard_limit_s
    try:
        if not receiving.poll(max(0.0, deadline - time.monotonic())):
            return Ran(None, 0.0)
        kind, answer, peak = receiving.recv()
    except EOFError:
        process.join()
        raise Failed(f"{function.__name__} ended without an answer, exit code {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
    if kind == "raised":
        raise Failed(answer)
    return Ran(answer, peak)


def _child(sending: Connection, function: Callable[..., object], arguments: tuple[object, ...]) -> None:
    # Libraries that greet on standard output must not mix with the figures.
    os.dup2(2, 1)
    try:
        kind, answer = "answered", function(*arguments)
    except Exception:
        kind, answer = "raised", traceback.format_exc()
    sending.send((kind, answer, peak_gib()))


def peak_gib() -> float:
    """Largest resident set of this process so far.

    Linux hands ``ru_maxrss`` down from whoever started the process, and so its peak may be the parent's;
    the kernel's own mark begins anew with the program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**30 if sys.platform == "darwin" else peak / 2**20
