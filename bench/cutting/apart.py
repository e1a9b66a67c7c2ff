"""A story whose host is in a network of its own, told in a process of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bench.child import run_child
from bench.figure import CannotMeasure
from bench.sshd import PROGRAM

T = TypeVar("T")


def apart(story: Callable[..., T], *arguments: Any, patience_s: float) -> T:
    """What ``story(folder, *arguments)`` gives. It forks, which only a process without threads may do.

    Raises CannotMeasure where there can be no such host, TimeoutError when it does not come to its end.
    """
    if PROGRAM is None:
        raise CannotMeasure("no sshd here: apt-get install openssh-server")
    if os.getuid() != 0:
        raise CannotMeasure("networks of their own need root")
    with tempfile.TemporaryDirectory(prefix="situs-cut-") as folder:
        ran = run_child(story, Path(folder), *arguments, hard_limit_s=patience_s)
    if ran.answer is None:
        raise TimeoutError(f"{story.__name__}{arguments} did not come to its end within {patience_s:.0f} s")
    answer: T = ran.answer
    return answer
