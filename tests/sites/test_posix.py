"""A POSIX host as a site, on this machine's own shells: the contract, and what only shells get wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener
from situs.sites.posix import PosixHost
from situs.sites.shell import ThisMachine

APPLETS = (
    "sh", "ls", "dd", "sed", "grep", "sort", "tail", "cut", "tr", "ln", "sync", "mkdir", "rmdir", "mv", "rm", "cat",
    "sleep", "setsid", "env", "sha256sum", "date", "uname",
)  # fmt: skip


def host(folder: Path, shell: str) -> PosixHost:
    """This machine's shell, at home in a folder of its own."""
    home, tools = folder / "home", folder / "tools"
    home.mkdir(exist_ok=True)
    sh = shutil.which(shell)
    if sh is None:
        pytest.skip(f"needs the Debian package {shell}")
    env = {"HOME": str(home)}
    if shell == "busybox":
        # Its own ls, dd, sed and all else too, as on a small box.
        tools.mkdir(exist_ok=True)
        for applet in APPLETS:
            if not (tools / applet).exists():
                (tools / applet).symlink_to(sh)
        env["PATH"] = f"{tools}:/usr/bin:/bin"
        sh = str(tools / "sh")
    return PosixHost(ThisMachine(home, env, shell=(sh,)), sh=sh)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["dash", "busybox", "bash"])
class TestPosix(AdapterConformance):
    """Each shell that is /bin/sh somewhere."""

    # Bash has a say in what it runs.
    OWN_VARIABLES = frozenset({"SHLVL", "_"})
    STEP_S = 2.0

    @pytest.fixture
    def open_site(self, tmp_path: Path, shell: str) -> Opener:
        host(tmp_path, shell)
        return lambda: host(tmp_path, shell)
