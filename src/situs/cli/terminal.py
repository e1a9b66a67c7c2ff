"""The terminal of the person who types: lent to a program elsewhere, and given back however that ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from situs.model.error import SitusError

LEAVE = 0x1D
"""Ctrl-]: what telnet and containers of systemd are left by."""
TIMES, WITHIN_S = 3, 1.0
"""Once alone it is a command of editors."""
FIRST_S = 10.0
"""Until something is shown, whoever asks for a passphrase reads what is typed; but not for ever."""
GOING_S = 3.0
"""Who leaves must not wait long for a line that is cut."""
BLOCK = 1 << 16


@dataclass(frozen=True)
class Came:
    """How a visit ended."""

    left: bool
    """the person has left; else the program has ended"""
    exit_code: int = 0
    said: str = ""
    """what the program complained of last"""


class Keys:
    """Tells the wish to leave from all else that is typed."""

    def __init__(self) -> None:
        self._held = 0
        self._since = 0.0

    def typed(self, text: bytes, now: float) -> tuple[bytes, bool]:
        """What of it goes on to the program, and whether the person wants to leave. ``now``: seconds of any clock."""
        passed = bytearray(self.due(now))
        for byte in text:
            if byte == LEAVE:
                self._since = now if not self._held else self._since
                self._held += 1
                if self._held == TIMES:
                    self._held = 0
                    return bytes(passed), True
            else:
                passed += bytes([LEAVE]) * self._held
                passed.append(byte)
                self._held = 0
        return bytes(passed), False

    def due(self, now: float) -> bytes:
        """What was held back too long for a wish to leave."""
        if self._held and now - self._since > WITHIN_S:
            held, self._held = self._held, 0
            return bytes([LEAVE]) * held
        return b""


def size() -> tuple[int, int]:
    """Rows and columns of the window."""
    columns, rows = os.get_terminal_size(sys.stdin.fileno())
    # Some windows do not know how large they are.
    return rows or 24, columns or 80


def lent(words: tuple[str, ...], resized: Callable[[int, int], None]) -> Came:
    """Have a program show things and be typed to, until it ends or the person leaves.

    ``resized`` is told when the window has another size, from another thread.
    """
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603 - the words are arguments, and come from the site's own adapter
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        )
        with _bare(), _window(resized), _told_to_go() as goes:
            left = _pumped(process, goes)
        assert process.stdin is not None and process.stdout is not None
        # It sees the end of its input and goes by itself, with all that was typed.
        process.stdin.close()
        try:
            process.wait(GOING_S)
        except subprocess.TimeoutExpired:
            process.terminate()
        code = process.wait()
        process.stdout.close()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip().splitlines()
    return Came(left, code, said[-1] if said else "")


def _pumped(process: subprocess.Popen[bytes], goes: int) -> bool:
    """Pass on what is typed and what is shown; whether the person has left. ``goes``: readable once they must."""
    assert process.stdin is not None and process.stdout is not None
    here, shown, typed = sys.stdin.fileno(), process.stdout.fileno(), process.stdin.fileno()
    os.set_blocking(typed, False)
    keys, waiting, began, seen = Keys(), b"", time.monotonic(), False
    while True:
        listens = seen or time.monotonic() - began > FIRST_S
        readable, writable, _ = select.select(
            [shown, goes, *([here] if listens else [])], [typed] if waiting else [], [], 0.2
        )
        waiting += keys.due(time.monotonic())
        if goes in readable:
            return True
        if process.poll() is not None and shown not in readable:
            # What it leaves behind may hold the line open for long.
            return False
        if shown in readable:
            text = os.read(shown, BLOCK)
            if not text:
                return False
            seen = True
            _write_all(sys.stdout.fileno(), text)
        if here in readable:
            text = os.read(here, BLOCK)
            passed, left = keys.typed(text, time.monotonic())
            waiting += passed
            if left or not text:
                _write_in_time(typed, waiting)
                return True
        if typed in writable:
            waiting = _written(typed, waiting)


def _write_in_time(to: int, text: bytes) -> None:
    deadline = time.monotonic() + GOING_S
    while text and (left_s := deadline - time.monotonic()) > 0:
        if select.select([], [to], [], left_s)[1]:
            text = _written(to, text)


def _written(to: int, text: bytes) -> bytes:
    """What is left of it, once as much was written as goes now."""
    try:
        return text[os.write(to, text) :]
    except BrokenPipeError:
        return b""


def _write_all(to: int, text: bytes) -> None:
    while text:
        text = text[os.write(to, text) :]


@contextmanager
def _bare() -> Iterator[None]:
    """Every key comes as it is; afterwards the terminal is as before."""
    here = sys.stdin.fileno()
    before = termios.tcgetattr(here)
    try:
        # What was typed already is meant for what is about to be there.
        tty.setraw(here, termios.TCSADRAIN)
        yield
    finally:
        # A window that was closed needs nothing any more.
        with suppress(termios.error):
            termios.tcsetattr(here, termios.TCSADRAIN, before)


@contextmanager
def _window(resized: Callable[[int, int], None]) -> Iterator[None]:
    """Tell of each new size once; while one is told of, only the last of those that come is kept."""
    changed, over = threading.Event(), threading.Event()

    def tell() -> None:
        while True:
            changed.wait()
            if over.is_set():
                return
            changed.clear()
            with suppress(SitusError, OSError, subprocess.SubprocessError):
                # Whoever cannot be told shows things as before.
                resized(*size())

    threading.Thread(target=tell, name="situs-window", daemon=True).start()
    before = signal.signal(signal.SIGWINCH, lambda *_: changed.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
        over.set()
        changed.set()


@contextmanager
def _told_to_go() -> Iterator[int]:
    """A file that can be read from once this process is told to end, as when its window is closed."""
    reads, writes = os.pipe()
    before = {
        number: signal.signal(number, lambda *_: os.write(writes, b"x"))
        for number in (signal.SIGHUP, signal.SIGTERM)
    }
    try:
        yield reads
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reads)
        os.close(writes)
