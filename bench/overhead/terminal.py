"""From a command's start to the first line of the program it runs, as a person sees it in a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_S = 300.0
SCRIPT = "print('the first ' + 'line', flush=True)\n"
"""What is run: its output is told from what commands say of it, as they may show the script itself."""
SEEN = b"the first line"


class NoOutput(Exception):
    """A command ended, or time was up, before the program had said anything."""


def first_line_s(words: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> float:
    """Seconds until the program's line is in the terminal; returns once the command has ended. Raises NoOutput."""
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        words, cwd=cwd, env=dict(env), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    said, seen_s = b"", None
    try:
        while (left_s := began + PATIENCE_S - time.perf_counter()) > 0:
            if not select.select([ours], [], [], left_s)[0]:
                break
            try:
                text = os.read(ours, 65536)
            except OSError:
                # A terminal that nobody has open any more: the command has ended.
                break
            said += text
            if seen_s is None and SEEN in said:
                seen_s = time.perf_counter() - began
        if seen_s is None:
            raise NoOutput(f"{' '.join(words)}: {said[-600:].decode(errors='replace').strip()}")
        return seen_s
    finally:
        if process.poll() is None and seen_s is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)


def changed(folder: Path, number: int) -> None:
    """Have the folder hold a script that is new, and so has to be sent."""
    (folder / "train.py").write_text(f"# {number}\n{SCRIPT}")
