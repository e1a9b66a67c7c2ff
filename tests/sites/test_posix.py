"""A POSIX host as a site, on this machine's own shells: the contract, and what only shells get wrong."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from situs.sites.adapter import Full, Key, Task
from situs.sites.conformance.accelerators import AcceleratorConformance
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, ended, python
from situs.sites.devices import NONE_SIMULATED
from situs.sites.posix import PosixHost
from situs.sites.shell import ThisMachine
from tests.sites.smi import smi_of

APPLETS = (
    "sh", "ls", "dd", "sed", "grep", "sort", "tail", "cut", "tr", "ln", "sync", "mkdir", "rmdir", "mv", "rm", "cat",
    "sleep", "setsid", "env", "sha256sum", "date", "uname",
)  # fmt: skip


def host(
    folder: Path, shell: str, simulated: Mapping[str, int] = NONE_SIMULATED, first: Path | None = None
) -> PosixHost:
    """This machine's shell, at home in a folder of its own. ``first``: where its programs are looked for first."""
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
    if first is not None:
        env["PATH"] = f"{first}:{env.get('PATH', os.defpath)}"
    return PosixHost(ThisMachine(home, env, shell=(sh,)), sh=sh, simulated=simulated)


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["dash", "busybox", "bash"])
class TestPosix(AdapterConformance, AcceleratorConformance):
    """Each shell that is /bin/sh somewhere."""

    # Bash has a say in what it runs.
    OWN_VARIABLES = frozenset({"SHLVL", "_"})
    STEP_S = 2.0

    @pytest.fixture
    def open_site(self, tmp_path: Path, shell: str) -> Opener:
        host(tmp_path, shell)
        return lambda: host(tmp_path, shell)

    @pytest.fixture
    def open_accelerated(self, tmp_path: Path, shell: str) -> Opener:
        host(tmp_path, shell)
        return lambda: host(tmp_path, shell, {"H100": 2})

    def test_what_a_killed_supervisor_had_given_out_is_free_again(
        self, open_accelerated: Opener, tmp_path: Path
    ) -> None:
        site, both, again = open_accelerated(), Key("both", 1), Key("again", 1)
        site.start(Task(both, python("import time; time.sleep(600)"), accelerators=2))
        started = tmp_path / "home" / ".situs" / "runs" / "both.0@1" / "started"
        os.kill(int(started.read_text().split()[0]), signal.SIGKILL)
        show = python("import os; print(os.environ['SITUS_ACCELERATORS'])")
        site.start(Task(again, show, accelerators=2))
        assert ended(site, again).succeeded
        assert site.logs(again)[0] == b"0,1\n"
        assert site.status(both).reason == "lost"

    def test_accelerators_are_found_by_the_tool_of_their_driver(self, tmp_path: Path, shell: str) -> None:
        site = host(tmp_path, shell)
        with pytest.raises(Full, match="nvidia-smi finds no accelerators"):
            site.start(Task(Key("early", 1), python("pass"), accelerators=1))
        # It is the site that says what stands for some, not what was written down of the run.
        host(tmp_path, shell, {"H100": 1}).start(Task(Key("early", 1), python("pass"), accelerators=1))
        assert ended(site, Key("early", 1)).succeeded
        assert host(tmp_path, shell, first=smi_of(tmp_path, ())).inventory().accelerators == {}
        tools = smi_of(tmp_path, ("NVIDIA A100 80GB", "NVIDIA A100 80GB"))
        site = host(tmp_path, shell, {"H100": 1}, tools)
        assert site.inventory().accelerators == {"H100": 1, "NVIDIA-A100-80GB": 2}
        show = python("import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['CUDA_DEVICE_ORDER'])")
        site.start(Task(Key("job", 1), show, accelerators=3))
        assert ended(site, Key("job", 1)).succeeded
        assert site.logs(Key("job", 1))[0] == b"0,1,2 PCI_BUS_ID\n"
