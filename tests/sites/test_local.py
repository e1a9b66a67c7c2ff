"""The local adapter: the contract, and what only this kind of site has."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from multiprocessing import get_context
from pathlib import Path

import pytest

from situs.model.error import SitusError
from situs.sites import supervisor
from situs.sites.adapter import Full, Key, StaleGeneration, Task
from situs.sites.conformance.accelerators import AcceleratorConformance
from situs.sites.conformance.suite import FAMILY, AdapterConformance
from situs.sites.conformance.waiting import Opener, alive, ended, python, until
from situs.sites.conformance.workday import Workday
from situs.sites.local import LocalSite
from situs.sites.processes import children
from tests.sites.smi import smi_of

SECRET = "hunter2-hunter2"


def _leave_it(_site: LocalSite, folder: Path, _secrets: Mapping[str, str]) -> subprocess.Popen[bytes]:
    (folder / "supervisor.log").touch()
    return subprocess.Popen(["false"])


class TestLocal(AdapterConformance, AcceleratorConformance):
    """This machine as a site."""

    @pytest.fixture
    def open_accelerated(self, tmp_path: Path) -> Opener:
        return lambda: LocalSite(tmp_path / "site", {"H100": 2})

    @pytest.fixture
    def open_site(self, tmp_path: Path) -> Opener:
        return lambda: LocalSite(tmp_path / "site")

    def test_what_a_killed_supervisor_had_given_out_is_free_again(self, open_accelerated: Opener) -> None:
        site = open_accelerated()
        assert isinstance(site, LocalSite)
        both = Task(Key("both", 1), python("import time; time.sleep(600)"), accelerators=2)
        site.start(both)
        site._supervisors[-1].kill()
        site._supervisors[-1].wait()
        again = Task(
            Key("again", 1), python("import os; print(os.environ['SITUS_ACCELERATORS'])"), accelerators=2
        )
        site.start(again)
        assert ended(site, again.key).succeeded
        assert site.logs(again.key)[0] == b"0,1\n"
        assert site.status(both.key).reason == "lost"

    def test_accelerators_are_found_by_the_tool_of_their_driver(
        self, site: LocalSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(Full, match="nvidia-smi finds no accelerators"):
            site.start(Task(Key("early", 1), python("pass"), accelerators=1))
        # It is the site that says what stands for some, not what was written down of the run.
        LocalSite(tmp_path / "site", {"H100": 1}).start(Task(Key("early", 1), python("pass"), accelerators=1))
        assert ended(site, Key("early", 1)).succeeded
        monkeypatch.setenv(
            "PATH", f"{smi_of(tmp_path, ('NVIDIA A100 80GB', 'NVIDIA A100 80GB'))}:{os.environ['PATH']}"
        )
        assert site.inventory().accelerators == {"NVIDIA-A100-80GB": 2}
        show = python("import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['CUDA_DEVICE_ORDER'])")
        site.start(Task(Key("job", 1), show, accelerators=2))
        assert ended(site, Key("job", 1)).succeeded
        assert site.logs(Key("job", 1))[0] == b"0,1 PCI_BUS_ID\n"

    def test_inventory_is_this_machine(self, site: LocalSite) -> None:
        there = site.inventory()
        assert there.cpus == len(os.sched_getaffinity(0))
        total = next(
            line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
        )
        assert there.memory_gib == pytest.approx(int(total.split()[1]) / 2**20, rel=0.01)

    def test_secrets_on_disk_are_for_the_owner_alone(self, site: LocalSite, tmp_path: Path) -> None:
        site.start(Task(Key("job", 1), python("pass"), {"TOKEN": SECRET}))
        ended(site, Key("job", 1))
        holding = [
            path
            for path in tmp_path.rglob("*")
            if path.is_file() and SECRET in path.read_text(errors="ignore")
        ]
        assert holding, "the task is kept"
        assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}
        assert stat.S_IMODE((tmp_path / "site").stat().st_mode) == 0o700

    def test_a_module_that_lies_around_is_not_loaded(
        self, site: LocalSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The folder somebody happens to stand in must have no say in how runs are supervised."""
        for name in ("json", "situs", "resource"):
            (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded from the current folder')")
        monkeypatch.chdir(tmp_path)
        site.start(Task(Key("job", 1), python("pass")))
        assert ended(site, Key("job", 1)).succeeded

    def test_a_supervisor_that_cannot_start_says_why(self, site: LocalSite, tmp_path: Path) -> None:
        folder = tmp_path / "site" / "job.0@1"
        folder.mkdir()
        (folder / "task.json").write_text("{ this is no task")
        with pytest.raises(SitusError, match=r"job: its supervisor did not start: .*JSONDecodeError"):
            site.start(Task(Key("job", 1), python("pass")))

    @pytest.mark.parametrize("seed", range(4))
    def test_when_its_supervisor_is_killed_a_run_is_lost_and_nothing_of_it_goes_on(
        self, site: LocalSite, tmp_path: Path, seed: int
    ) -> None:
        key, count = Key("job", 1), tmp_path / "count"
        text = (
            f"open({str(count)!r}, 'a').write('x')\nimport os; print(os.getppid(), os.getpid(), flush=True)\n"
        )
        # Orphans with an empty environment cannot be told from others once their supervisor is gone.
        family = FAMILY.replace("env={}", "env={**os.environ}").replace(
            "import subprocess, sys;", "import os, subprocess, sys;"
        )
        task = Task(key, python(text + family + "time.sleep(600)"))
        site.start(task)
        until(lambda: site.logs(key)[0].count(b"\n") == 1, "the run says who it is")
        supervisor, process = map(int, site.logs(key)[0].split())
        pids = [process]
        if seed:
            pids += self.family(site, key, tmp_path)
        # Not at the same place each time: somewhere in the cycle of looking at limits and requests.
        time.sleep(random.Random(seed).uniform(0, 0.05))
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: site.status(key).state == "ended", "the loss is seen")
        assert site.status(key).reason == "lost"
        until(lambda: not any(map(alive, pids)), "all of it ends")
        site.start(task)
        assert site.status(key).reason == "lost"
        assert count.read_text() == "x"

    def test_killed_before_each_thing_it_asks_of_the_system(self, open_site: Opener, tmp_path: Path) -> None:
        """Not at random: before every single one, until the whole list is done without a kill."""
        work = Workday(open_site, tmp_path)
        work.JOBS = 4
        step = 0
        while True:
            process = work.begin(die_at=step)
            process.join()
            work.check()
            if process.exitcode == 0:
                break
            assert process.exitcode == -signal.SIGKILL
            step += 1
        assert step > 15
        assert work.finished()
        work.check_all_done()

    @pytest.mark.parametrize("where", ["_supervise", "check"])
    def test_a_start_that_was_halted_on_its_way_comes_too_late(
        self, open_site: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        """A higher generation is announced between two steps of a start: on this side, or in the supervisor."""
        ran, key, fenced = tmp_path / "ran", Key("job", 1), []

        def announce() -> None:
            if not fenced:
                fenced.append(True)
                open_site().fence(Key("job", 2))

        if where == "_supervise":
            begun = LocalSite._supervise

            def halted(site: LocalSite, folder: Path, secrets: Mapping[str, str]) -> subprocess.Popen[bytes]:
                announce()
                return begun(site, folder, secrets)

            monkeypatch.setattr(LocalSite, "_supervise", halted)
            with pytest.raises(StaleGeneration):
                open_site().start(Task(key, python(f"open({str(ran)!r}, 'w')")))
            assert open_site().status(key).state == "absent"
        else:
            # The supervisor itself: after it has said that it starts, before it does.
            site = LocalSite(tmp_path / "site")
            monkeypatch.setattr(LocalSite, "_supervise", _leave_it)
            with pytest.raises(SitusError):
                site.start(Task(key, python(f"open({str(ran)!r}, 'w')")))
            renamed = Path.rename
            monkeypatch.setattr(Path, "rename", lambda path, to: (announce(), renamed(path, to))[1])
            folder = tmp_path / "site" / "job.0@1"
            process = get_context("fork").Process(target=lambda: sys.exit(supervisor.main(folder, 0)))
            process.start()
            process.join()
            assert process.exitcode == supervisor.STALE
            monkeypatch.undo()
            status = LocalSite(tmp_path / "site").status(key)
            assert (status.state, status.reason, status.succeeded) == ("ended", "stopped", False)
        assert not ran.exists()

    def test_what_a_run_has_written_is_not_overwritten_from_outside(
        self, site: LocalSite, tmp_path: Path
    ) -> None:
        key, source, gate = Key("job", 1), tmp_path / "source", tmp_path / "gate"
        source.write_text("old")
        site.put(key, source, "state")
        text = (
            "import os, time\nopen('state', 'w').write('new')\nprint('x', flush=True)\n"
            f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        )
        site.start(Task(key, python(text)))
        until(lambda: site.logs(key)[0], "the state is written")
        with pytest.raises(SitusError):
            site.put(key, source, "state")
        gate.touch()
        ended(site, key)
        with pytest.raises(SitusError):
            site.put(key, source, "state")
        site.get(key, "state", tmp_path / "back")
        assert (tmp_path / "back").read_text() == "new"

    def test_supervisors_are_buried(self, site: LocalSite) -> None:
        others = set(children(os.getpid()))
        for number in range(4):
            site.start(Task(Key(f"job-{number}", 1), python("pass")))
            ended(site, Key(f"job-{number}", 1))
        supervisors = set(children(os.getpid())) - others
        until(lambda: not any(map(alive, supervisors)), "a supervisor leaves when its run has ended")
        site.start(Task(Key("one-more", 1), python("pass")))
        assert not supervisors & set(children(os.getpid())), "each that has left is buried at the next start"
        ended(site, Key("one-more", 1))

    def test_the_record_of_an_end_is_whole(self, site: LocalSite, tmp_path: Path) -> None:
        site.start(Task(Key("job", 1), python("pass")))
        ended(site, Key("job", 1))
        record = json.loads((tmp_path / "site" / "job.0@1" / "ended.json").read_bytes())
        assert set(record) == {"exit_code", "reason", "wall_s", "cpu_s", "peak_memory_gib"}
