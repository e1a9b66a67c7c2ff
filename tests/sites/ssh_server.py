"""Private OpenSSH servers of the tests; without the program a test is skipped, and says what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench import sshd
from bench.sshd import OLD, access

__all__ = ["OLD", "SshServer", "access"]


class SshServer(sshd.SshServer):
    """One that is there, or the test is skipped."""

    def __init__(
        self, folder: Path, env: Mapping[str, str] | None = None, lines: tuple[str, ...] = ()
    ) -> None:
        try:
            super().__init__(folder, env, lines)
        except sshd.NoServer as missing:
            pytest.skip(str(missing))
