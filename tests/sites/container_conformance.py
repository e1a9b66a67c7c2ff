"""What every adapter must do, as it shows where a run is a container, however its engine is reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from situs.sites.adapter import Adapter, Key, Task
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import ended, python
from tests.sites.in_containers import is_alive
from tests.sites.processor_time import ProcessorTimeConformance

KEY = Key("job", 1)


class ContainerConformance(ProcessorTimeConformance, AdapterConformance):
    """For engines whose host is this machine."""

    PARTS = False
    OWN_VARIABLES = frozenset({"HOSTNAME"})
    STEP_S = 5.0
    GROUP = "/docker/"
    """part of the name of its control groups"""

    def alive(self, pid: int) -> bool:
        return is_alive(pid, self.GROUP, self.folder)

    @pytest.fixture(autouse=True)
    def _remember_folder(self, tmp_path: Path) -> None:
        self.folder = str(tmp_path)

    def test_it_runs_in_a_group_of_its_own(self, site: Adapter) -> None:
        """And sees no process but its own: the one that minds it is number 1."""
        text = "import os; print(os.getpid() == os.getpgid(0), os.getppid(), len(os.listdir('/proc/1/task')))"
        site.start(Task(KEY, python(text)))
        ended(site, KEY)
        assert site.logs(KEY)[0] == b"True 1 1\n"

    def test_usage_is_measured(self, site: Adapter) -> None:
        """As it was seen last, while it ran."""
        text = (
            "import time\nheld = bytearray(200 << 20)\nheld[::4096] = b'x' * len(held[::4096])\n"
            "while time.process_time() < 0.5: pass\ntime.sleep(1)"
        )
        site.start(Task(KEY, python(text)))
        usage = ended(site, KEY).usage
        assert usage is not None
        assert usage.cpu_s is not None
        assert usage.peak_memory_gib is not None
        assert 0.5 <= usage.cpu_s < 5
        assert usage.wall_s >= 1.4
        assert 200 / 1024 <= usage.peak_memory_gib < 300 / 1024

    def test_the_memory_limit_counts_all_processes_of_the_run(self, site: Adapter) -> None:
        """Three of 100 MiB each, a while after the start: before that an engine may miss that one of them died."""
        held = (
            "import time; time.sleep(1); held = bytearray(100 << 20); "
            "held[::4096] = b'x' * len(held[::4096]); time.sleep(600)"
        )
        text = (
            "import subprocess, sys\n"
            f"for p in [subprocess.Popen([sys.executable, '-S', '-c', {held!r}]) for _ in range(3)]: p.wait()"
        )
        site.start(Task(KEY, python(text), memory_gib=0.2))
        assert ended(site, KEY).reason == "memory"
