"""Being told by this machine's kernel that a run has ended, or has written to a file of its folder (inotify).

Nothing depends on it: where the kernel has no more watches to give, nothing is told, and whoever looks finds it.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from situs.model.error import SitusError
from situs.sites.adapter import Key

IN_MODIFY, IN_MOVED_TO, IN_CREATE, IN_IGNORED, IN_ONLYDIR = 0x2, 0x80, 0x100, 0x8000, 0x01000000
EVENT = struct.Struct("iIII")
APPEARS = IN_MOVED_TO | IN_CREATE | IN_ONLYDIR
"""In a folder: what is written to its other files is nobody's business here, and may be a lot."""
ENDED = "ended.json"
WORK = "work"


class Noticing:
    """Notices what happens to all runs of one folder, until it is told to stop."""

    def __init__(self, root: Path, file: str | None, said: Callable[[Key], None]) -> None:
        """``file``: of the folder that runs begin in; None: only ends are told. ``said``: is called by a thread."""
        self._root = root
        self._file = file
        self._said = said
        self._kernel = ctypes.CDLL(None, use_errno=True)
        self._watched: dict[int, Path] = {}
        self._stop_read, self._stop_write = os.pipe2(os.O_CLOEXEC)
        self._events = self._kernel.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name=f"notice {root.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell of nothing more."""
        with suppress(OSError):
            os.close(self._stop_write)

    def _run(self) -> None:
        try:
            if self._events < 0 or not self._watch(self._root, APPEARS):
                return
            # Watched before it is looked at: what comes in between is seen twice, not never.
            for folder in self._root.glob("*@*"):
                self._enter(folder)
            while True:
                ready, _, _ = select.select([self._events, self._stop_read], [], [])
                if self._stop_read in ready:
                    return
                self._take(os.read(self._events, 1 << 16))
        finally:
            os.close(self._stop_read)
            if self._events >= 0:
                os.close(self._events)

    def _take(self, events: bytes) -> None:
        at = 0
        while at < len(events):
            watch, mask, _, length = EVENT.unpack_from(events, at)
            name = events[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0").decode(errors="replace")
            at += EVENT.size + length
            if mask & IN_IGNORED:
                self._watched.pop(watch, None)
            elif (folder := self._watched.get(watch)) is not None:
                self._happened(folder, name)

    def _happened(self, folder: Path, name: str) -> None:
        if folder == self._root:
            self._enter(folder / name)
        elif folder.parent == self._root and name == ENDED:
            self._leave(folder)
        elif folder.parent == self._root and name == WORK:
            self._enter_work(folder)
        elif name == self._file:
            self._enter_file(folder.parent)
        elif not name:
            self._tell(folder.parent.parent)

    def _enter(self, folder: Path) -> None:
        if "@" not in folder.name or (folder / ENDED).exists() or not self._watch(folder, APPEARS):
            return
        self._enter_work(folder)
        if (folder / ENDED).exists():
            self._leave(folder)

    def _enter_work(self, folder: Path) -> None:
        if self._file is not None and self._watch(folder / WORK, APPEARS):
            self._enter_file(folder)

    def _enter_file(self, folder: Path) -> None:
        if self._file is not None and self._watch(folder / WORK / self._file, IN_MODIFY):
            self._tell(folder)

    def _leave(self, folder: Path) -> None:
        """It has ended: nothing more happens there."""
        for watch in [each for each, path in self._watched.items() if folder in (path, *path.parents)]:
            del self._watched[watch]
            self._kernel.inotify_rm_watch(self._events, watch)
        self._tell(folder)

    def _watch(self, path: Path, mask: int) -> bool:
        watch = self._kernel.inotify_add_watch(self._events, os.fsencode(path), mask)
        if watch >= 0:
            self._watched[watch] = path
        return bool(watch >= 0)

    def _tell(self, folder: Path) -> None:
        with suppress(SitusError):
            self._said(Key.parse(folder.name))
