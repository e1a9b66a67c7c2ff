"""The first process of a pod, with a real shell in a process namespace of its own; no cluster is needed for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from situs.sites.conformance.waiting import PATIENCE_S, until
from situs.sites.kubernetes.manifests import WRAPPER

SHELLS = [("dash", ["dash"]), ("busybox", ["busybox", "sh"]), ("bash", ["bash", "--posix"])]


class Pod:
    """One first process; what is said to it lies in a folder of the test's own."""

    def __init__(self, folder: Path, shell: list[str], rank: int | None = None, nodes: int = 1) -> None:
        """``rank``: of one of several, which share the folder."""
        self.folder = folder / "situs"
        self.folder.mkdir(exist_ok=True)
        self.said = folder / f"said{'' if rank is None else rank}"
        self.control = self.folder / "control" / ("" if rank is None else str(rank))
        self._env = dict(os.environ)
        if rank is not None:
            self._env |= {
                "SITUS_NODES": str(nodes),
                "SITUS_NODE_RANK": str(rank),
                "SITUS_FIRST_NODE": "job-0.job",
            }
        self._script = WRAPPER.replace("/dev/termination-log", str(self.said))
        self._script = self._script.replace("/situs-unit", str(folder / "unit"))
        self._script = self._script.replace("/situs", str(self.folder))
        (folder / "unit").mkdir(exist_ok=True)
        self.newest = folder / "unit" / "newest"
        self._shell = shell
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, text: str, generation: int = 3, limit_s: str = "", meet_cs: int = 60000) -> None:
        """Begin it with a few lines of Python to run."""
        script = self._script.replace("meet_cs=60000", f"meet_cs={meet_cs}")
        command = [*self._shell, "-c", script, "situs", str(generation), limit_s]
        # Such that a kill of all processes is one of the pod's.
        self._process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *command, sys.executable, "-S", "-c", text],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self._env,
        )  # fmt: skip

    def end(self) -> tuple[int, dict[str, str], bytes]:
        """Its exit code, what it told the cluster, and its output."""
        assert self._process is not None
        out, _ = self._process.communicate(timeout=PATIENCE_S)
        told = dict(re.findall(r"(\w+)=(\S+)", self.said.read_text() if self.said.exists() else ""))
        return self._process.returncode, told, out

    def first(self) -> int:
        """The number of the first process, as this machine counts."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        until(lambda: children.read_text().split(), "it has begun")
        return int(children.read_text().split()[0])

    def stop(self, grace_s: float) -> None:
        """Ask it to end."""
        until((self.control / "pid").exists, "the run has begun")
        self.order_stop(grace_s)

    def order_stop(self, grace_s: float) -> None:
        """The same, also before the run has begun."""
        (self.control / "stop.new").write_text(f"{round(grace_s * 100)}\n")
        (self.control / "stop.new").rename(self.control / "stop")

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
