"""What every adapter must do, shown on the real thing: real processes, real files, real crashes.

A kind of site proves itself by a test class that derives from :class:`AdapterConformance` and says how one of
its sites is opened.  ``open_site`` is called once for each control plane: what one has started, the next one
must know, so it has to point at the same site every time.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from situs.model.error import SitusError
from situs.sites.adapter import (
    Adapter,
    Capability,
    Enterable,
    Key,
    Leasing,
    StaleGeneration,
    Task,
    Unsupported,
)
from situs.sites.conformance.waiting import PATIENCE_S, Opener, alive, ended, python, until
from situs.sites.conformance.workday import Workday
from situs.sites.steady import steady

HIDING = {"CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"}
"""What a run is told that asks for no accelerators where there are some."""
FAMILY = """
import os, subprocess, sys, time, signal
# A child in the same group, one that left the group, and one whose parent is gone already.
code = (
    "import os, time; open({name!r} + '.new', 'w').write(str(os.getpid())); "
    "os.rename({name!r} + '.new', {name!r}); time.sleep(600)"
)
deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
run = [sys.executable, "-S", "-c"]
subprocess.Popen([*run, deaf + code.format(name="same-group")])
subprocess.Popen([*run, deaf + code.format(name="own-session")], start_new_session=True)
subprocess.run([*run, "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True, env={})",
                *run, deaf + code.format(name="orphan")])
while not all(map(os.path.exists, ("same-group", "own-session", "orphan"))):
    time.sleep(0.01)
open("family.new", "w").write(" ".join(open(n).read() for n in ("same-group", "own-session", "orphan")))
os.rename("family.new", "family")
"""


class AdapterConformance:
    """The contract of :mod:`situs.sites.adapter`, one test for each sentence of it."""

    OWN_VARIABLES: frozenset[str] = frozenset()
    """what this kind of site sets in every run's environment, beyond what is asked for"""

    STEP_S = 0.5
    """longer than one thing takes that a control plane does here; kills fall anywhere within"""

    def alive(self, pid: int) -> bool:
        """Whether a process of a run lives, by the number that it has for itself."""
        return alive(pid)

    @pytest.fixture
    def open_site(self, tmp_path: Path) -> Opener:
        """Opens one and the same site, as often as wanted."""
        raise NotImplementedError

    @pytest.fixture
    def site(self, open_site: Opener) -> Adapter:
        return open_site()

    # What is there

    def test_inventory_says_what_is_there(self, site: Adapter) -> None:
        there = site.inventory()
        assert there.cpus >= 1
        assert there.memory_gib > 0
        assert there.isolation

    def test_a_site_that_answers_is_healthy(self, site: Adapter) -> None:
        health = site.health()
        assert health.ok, health.cause
        assert abs(health.clock_ahead_s) < 5.0

    # Running

    def test_a_run_goes_from_absent_through_running_to_its_exit_code(
        self, site: Adapter, tmp_path: Path
    ) -> None:
        key, gate = Key("job", 1), tmp_path / "gate"
        assert site.status(key).state == "absent"
        text = f"import os, sys, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nsys.exit(7)"
        site.start(Task(key, python(text)))
        assert site.status(key).alive
        until(lambda: site.status(key).state == "running", "it gets its turn")
        gate.touch()
        status = ended(site, key)
        assert (status.exit_code, status.reason, status.succeeded) == (7, "exited", False)

    def test_success_is_exit_code_0(self, site: Adapter) -> None:
        site.start(Task(Key("job", 1), python("pass")))
        assert ended(site, Key("job", 1)).succeeded

    def test_a_secret_reaches_the_run_and_is_told_nowhere(self, open_site: Opener) -> None:
        site, key, canary = open_site(), Key("job", 1), f'it\'s a "canary" {uuid4().hex} $HOME `id`\nü'
        show = "import hashlib, os; print(hashlib.sha256(os.environb[b'PASS']).hexdigest(), os.environ['SITUS_UNIT'])"
        task = Task(key, python(show), {"PLAIN": "1"}, secrets={"PASS": canary})
        assert canary not in repr(task)
        if "secrets" not in site.capabilities:
            with pytest.raises(Unsupported, match="secrets"):
                site.start(task)
            return
        site.start(task)
        site.start(task)
        status = ended(site, key)
        assert status.succeeded, site.logs(key)
        assert site.logs(key)[0].split() == [hashlib.sha256(canary.encode()).hexdigest().encode(), b"0"]
        assert canary not in repr(open_site().status(key))

    def test_a_signal_is_told_from_an_exit(self, site: Adapter) -> None:
        site.start(Task(Key("job", 1), python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")))
        status = ended(site, Key("job", 1))
        assert (status.reason, status.exit_code) == ("signalled", -signal.SIGSEGV)

    def test_a_program_that_is_not_there_ends_with_127_and_a_reason_in_the_log(self, site: Adapter) -> None:
        site.start(Task(Key("job", 1), ("no-such-program-anywhere", "x")))
        assert ended(site, Key("job", 1)).exit_code == 127
        assert b"no-such-program-anywhere" in site.logs(Key("job", 1))[0]

    def test_no_shell_reads_the_command(self, site: Adapter) -> None:
        site.start(Task(Key("job", 1), (*python("import sys; print(sys.argv[1:])"), "$HOME; ls *", "`id`")))
        ended(site, Key("job", 1))
        assert site.logs(Key("job", 1))[0].decode().strip() == str(["$HOME; ls *", "`id`"])

    def test_it_runs_in_a_group_of_its_own(self, site: Adapter) -> None:
        site.start(
            Task(Key("job", 1), python("import os; print(os.getpid() == os.getpgid(0) == os.getsid(0))"))
        )
        ended(site, Key("job", 1))
        assert site.logs(Key("job", 1))[0] == b"True\n"

    def test_usage_is_measured(self, site: Adapter) -> None:
        text = (
            "import time\nheld = bytearray(200 << 20)\nheld[::4096] = b'x' * len(held[::4096])\n"
            "while time.process_time() < 0.5: pass"
        )
        site.start(Task(Key("job", 1), python(text)))
        usage = ended(site, Key("job", 1)).usage
        assert usage is not None
        assert usage.cpu_s is None or 0.5 <= usage.cpu_s < 5
        assert usage.wall_s >= 0.4
        if usage.peak_memory_gib is not None:
            assert 200 / 1024 <= usage.peak_memory_gib < 300 / 1024

    def test_units_of_a_workload_are_runs_of_their_own(self, site: Adapter) -> None:
        keys = [Key("job", 1, unit) for unit in (0, 1, 12)]
        for key in keys:
            site.start(Task(key, python("import os; print(os.environ['SITUS_UNIT'])")))
        for key in keys:
            assert ended(site, key).succeeded
            assert site.logs(key)[0] == f"{key.unit}\n".encode()
        assert sorted(site.known(), key=lambda key: key.unit) == keys

    def test_a_signal_reaches_the_run(self, site: Adapter) -> None:
        key = Key("job", 1)
        text = (
            "import signal, sys, time\n"
            "signal.signal(signal.SIGUSR1, lambda *_: (print('heard', flush=True), sys.exit(4)))\n"
            "print('ready', flush=True)\nwhile True: time.sleep(0.01)"
        )
        site.start(Task(key, python(text)))
        until(lambda: site.logs(key)[0], "the run listens")
        site.signal(key, "SIGUSR1")
        assert ended(site, key).exit_code == 4
        assert site.logs(key)[0] == b"ready\nheard\n"
        site.signal(key, "SIGUSR1")
        with pytest.raises(SitusError, match="no signal"):
            site.signal(key, "USR1; reboot")

    # Environment

    def test_the_environment_is_what_was_given_and_nothing_of_the_caller(
        self, site: Adapter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLOUD_SECRET_OF_THE_CALLER", "hush")
        key = Key("job", 3)
        text = (
            "import json, os\nseen = {**os.environ}\n"
            "parent = open(f'/proc/{os.getppid()}/environ').read()\n"
            "print(json.dumps([seen, 'CLOUD_SECRET_OF_THE_CALLER' in parent]))"
        )
        site.start(Task(key, python(text), {"COLOUR": "blue=green", "EMPTY": ""}))
        ended(site, key)
        seen, parent_has_it = json.loads(site.logs(key)[0])
        assert seen["COLOUR"] == "blue=green"
        assert seen["EMPTY"] == ""
        assert (seen["SITUS_WORKLOAD"], seen["SITUS_GENERATION"]) == ("job", "3")
        assert "CLOUD_SECRET_OF_THE_CALLER" not in seen
        assert not parent_has_it
        allowed = {"PATH", "HOME", "LANG", "LC_CTYPE", "COLOUR", "EMPTY"}
        assert {
            name for name in seen if not name.startswith("SITUS_")
        } <= allowed | HIDING | self.OWN_VARIABLES
        assert not seen.get("CUDA_VISIBLE_DEVICES")

    def test_secrets_are_in_no_process_list(self, site: Adapter, tmp_path: Path) -> None:
        key, gate = Key("job", 1), tmp_path / "gate"
        text = (
            "import os, time\nprint(os.environ['TOKEN'][::-1], flush=True)\n"
            f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        )
        site.start(Task(key, python(text), {"TOKEN": "hunter2-hunter2"}))
        until(lambda: site.logs(key)[0], "the run has read its token")
        shown = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    shown.append((entry / "cmdline").read_bytes())
                except OSError:
                    continue
        gate.touch()
        assert site.logs(key)[0] == b"2retnuh-2retnuh\n"
        assert any(str(gate).encode() in line for line in shown), "the list was read while the run was in it"
        assert not any(b"hunter2-hunter2" in line for line in shown)
        ended(site, key)

    # Files and logs

    def test_files_go_in_and_out_unchanged(self, site: Adapter, tmp_path: Path) -> None:
        key = Key("job", 1)
        source = tmp_path / "source.bin"
        source.write_bytes(os.urandom(3_000_001))
        sent = site.put(key, source, "deep/er/input.bin")
        assert sent == hashlib.sha256(source.read_bytes()).hexdigest()
        text = (
            "import os\ndata = open('deep/er/input.bin', 'rb').read()\n"
            "os.makedirs('out'); open('out/reversed', 'wb').write(data[::-1])"
        )
        site.start(Task(key, python(text)))
        assert ended(site, key).succeeded
        target = tmp_path / "back" / "reversed"
        got = site.get(key, "out/reversed", target)
        assert target.read_bytes() == source.read_bytes()[::-1]
        assert got == hashlib.sha256(target.read_bytes()).hexdigest()

    @pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/../../escape", "", "."])
    def test_no_file_leaves_the_folder_of_the_run(self, site: Adapter, tmp_path: Path, name: str) -> None:
        source = tmp_path / "source"
        source.write_text("x")
        with pytest.raises(SitusError):
            site.put(Key("job", 1), source, name)
        with pytest.raises(SitusError):
            site.get(Key("job", 1), name, tmp_path / "target")
        assert not (tmp_path / "target").exists()

    def test_a_link_that_a_run_laid_leads_nowhere(self, site: Adapter, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("not yours")
        site.start(Task(Key("job", 1), python(f"import os; os.symlink({str(secret)!r}, 'model')")))
        assert ended(site, Key("job", 1)).succeeded
        with pytest.raises(SitusError):
            site.get(Key("job", 1), "model", tmp_path / "target")

    def test_a_file_that_was_not_written_is_named(self, site: Adapter, tmp_path: Path) -> None:
        site.start(Task(Key("job", 1), python("pass")))
        ended(site, Key("job", 1))
        with pytest.raises(SitusError, match=r"model\.bin"):
            site.get(Key("job", 1), "model.bin", tmp_path / "target")

    def test_runs_do_not_share_a_folder(self, site: Adapter) -> None:
        for name in ("one", "two"):
            site.start(Task(Key(name, 1), python("import os; open('mine', 'x'); print(os.listdir('.'))")))
        for name in ("one", "two"):
            assert ended(site, Key(name, 1)).succeeded
            assert site.logs(Key(name, 1))[0] == b"['mine']\n"

    def test_logs_hold_both_streams_and_go_on_where_one_stopped_reading(
        self, site: Adapter, tmp_path: Path
    ) -> None:
        key, gate = Key("job", 1), tmp_path / "gate"
        text = (
            "import os, sys, time\nprint('first', flush=True)\nprint('second', file=sys.stderr, flush=True)\n"
            f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('third')"
        )
        site.start(Task(key, python(text)))
        # Two streams are two pipes at some sites: which of two lines written at once comes first is not promised.
        until(lambda: sorted(site.logs(key)[0].splitlines()) == [b"first", b"second"], "the first two lines")
        before, where = site.logs(key)
        gate.touch()
        ended(site, key)
        assert site.logs(key, where) == (b"third\n", where + 6)
        assert site.logs(key)[0] == before + b"third\n"

    def test_whoever_enters_a_run_is_in_its_folder(self, site: Adapter, tmp_path: Path) -> None:
        if not isinstance(site, Enterable):
            return
        key, there = Key("job", 1), tmp_path / "mine"
        site.start(Task(key, python("open('mine', 'w').write('here'); import time; time.sleep(600)")))

        def written() -> bool:
            try:
                site.get(key, "mine", there)
            except SitusError:
                return False
            return there.read_text() == "here"

        until(written, "it has begun")
        words = site.enter(
            key, ("sh", "-c", 'cat mine; cat; echo "$1" >&2; exit 7', "sh", "it's"), terminal=False
        )
        done = subprocess.run(
            words, input=b" and there", capture_output=True, timeout=PATIENCE_S, check=False
        )
        assert (done.returncode, done.stdout) == (7, b"here and there"), done.stderr
        assert b"it's" in done.stderr
        site.stop(key, grace_s=0)

    # Limits

    @pytest.mark.parametrize(
        ("capability", "limit"),
        [
            ("memory", {"memory_gib": 1.0}),
            ("cpus", {"cpus": 1}),
            ("accelerators", {"accelerators": 1}),
            ("nodes", {"nodes": 2}),
            ("image", {"image": "debian"}),
        ],
    )
    def test_what_a_site_cannot_do_is_refused_and_not_passed_over(
        self, site: Adapter, capability: Capability, limit: dict[str, Any]
    ) -> None:
        if capability in site.capabilities:
            return
        with pytest.raises(Unsupported, match=r"job: .* cannot"):
            site.start(Task(Key("job", 1), python("pass"), **limit))
        assert site.status(Key("job", 1)).state == "absent"

    def test_the_time_limit_ends_it(self, site: Adapter) -> None:
        began = time.monotonic()
        site.start(Task(Key("job", 1), python("import time; time.sleep(600)"), timeout_s=0.3))
        status = ended(site, Key("job", 1))
        assert (status.reason, status.succeeded) == ("timeout", False)
        assert status.usage is not None
        assert 0.3 <= status.usage.wall_s <= time.monotonic() - began

    def test_the_memory_limit_ends_it_and_says_so(self, site: Adapter) -> None:
        if "memory" not in site.capabilities:
            return
        text = "held = bytearray(400 << 20); held[::4096] = b'x' * len(held[::4096])\nimport time; time.sleep(600)"
        site.start(Task(Key("job", 1), python(text), memory_gib=0.2))
        status = ended(site, Key("job", 1))
        assert (status.reason, status.succeeded) == ("memory", False)
        assert status.usage is not None
        assert status.usage.peak_memory_gib is None or status.usage.peak_memory_gib > 0.2

    def test_the_memory_limit_counts_all_processes_of_the_run(self, site: Adapter) -> None:
        """Three of 100 MiB each are over 200 MiB together, though none is alone."""
        if "memory" not in site.capabilities:
            return
        held = "held = bytearray(100 << 20); held[::4096] = b'x' * len(held[::4096]); import time; time.sleep(600)"
        text = (
            "import subprocess, sys\n"
            f"for p in [subprocess.Popen([sys.executable, '-S', '-c', {held!r}]) for _ in range(3)]: p.wait()"
        )
        site.start(Task(Key("job", 1), python(text), memory_gib=0.2))
        assert ended(site, Key("job", 1)).reason == "memory"

    def test_memory_that_is_only_reserved_is_not_used(self, site: Adapter) -> None:
        """Numerical libraries reserve far more than they fill."""
        if "memory" not in site.capabilities:
            return
        text = (
            "import mmap; mmap.mmap(-1, 2 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); print('fine')"
        )
        site.start(Task(Key("job", 1), python(text), memory_gib=0.2))
        assert ended(site, Key("job", 1)).succeeded

    def test_the_processor_limit_holds(self, site: Adapter) -> None:
        """Four busy processes on one processor get one second of it each second, and not more."""
        if "cpus" not in site.capabilities:
            return
        text = (
            "import os, time\nprint(len(os.sched_getaffinity(0)), flush=True)\n"
            "for _ in range(3):\n    if os.fork() == 0: break\n"
            "end = time.monotonic() + 1.0\nwhile time.monotonic() < end: pass\n"
            "try:\n    while True: os.wait()\nexcept ChildProcessError: pass"
        )
        site.start(Task(Key("job", 1), python(text), cpus=1))
        status = ended(site, Key("job", 1))
        assert site.logs(Key("job", 1))[0] == b"1\n"
        assert status.usage is not None
        assert status.usage.cpu_s is None or status.usage.cpu_s <= status.usage.wall_s * 1.05

    # Ending

    def test_stop_lets_a_run_end_in_order(self, site: Adapter) -> None:
        key = Key("service", 1)
        text = (
            "import signal, sys, time\n"
            "def leave(*_): print('goodbye'); sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, leave); print('ready', flush=True); time.sleep(600)"
        )
        site.start(Task(key, python(text)))
        until(lambda: b"ready" in site.logs(key)[0], "it listens to signals")
        status = site.stop(key, grace_s=PATIENCE_S)
        assert (status.state, status.reason, status.exit_code) == ("ended", "stopped", 0)
        assert site.logs(key)[0] == b"ready\ngoodbye\n"

    def test_stop_ends_what_does_not_listen_after_the_grace(self, site: Adapter) -> None:
        key = Key("service", 1)
        text = (
            "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "print('x', flush=True); time.sleep(600)"
        )
        site.start(Task(key, python(text)))
        until(lambda: site.logs(key)[0], "it ignores signals")
        status = site.stop(key, grace_s=0.2)
        assert (status.state, status.reason, status.exit_code) == ("ended", "stopped", -signal.SIGKILL)

    @pytest.mark.parametrize("way", ["stop", "exit", "timeout"])
    def test_nothing_that_a_run_started_outlives_it(self, site: Adapter, tmp_path: Path, way: str) -> None:
        """Neither children, nor those that left the group, nor orphans with an empty environment."""
        last = "" if way == "exit" else "\ntime.sleep(600)"
        pids: list[int] = []
        # On a busy machine the time may be up before all of them are there; then they get more.
        for generation, timeout_s in enumerate((2.0, 8.0, PATIENCE_S), start=1):
            key = Key("job", generation)
            site.start(Task(key, python(FAMILY + last), timeout_s=timeout_s if way == "timeout" else None))
            pids = self.family(site, key, tmp_path)
            if pids:
                break
        if way == "stop":
            assert all(map(self.alive, pids))
            site.stop(key, grace_s=0.1)
        ended(site, key)
        assert len(pids) == 3
        assert [pid for pid in pids if self.alive(pid)] == []

    def family(self, site: Adapter, key: Key, tmp_path: Path) -> list[int]:
        """Process ids that the family has written down; none when the run ended before they were complete."""
        there = tmp_path / f"family-{key.generation}"

        def read() -> bool:
            try:
                site.get(key, "family", there)
            except SitusError:
                return False
            return True

        until(lambda: read() or site.status(key).state == "ended", "the family is complete")
        return [int(pid) for pid in there.read_text().split()] if read() else []

    def test_stopping_twice_or_what_is_not_there_does_no_harm(self, site: Adapter) -> None:
        assert site.stop(Key("nothing", 1)).state == "absent"
        site.start(Task(Key("job", 1), python("import time; time.sleep(600)")))
        first = site.stop(Key("job", 1), grace_s=5)
        assert site.stop(Key("job", 1)) == first

    # Once and only once

    def test_starting_again_gives_the_one_that_runs_or_ran(self, site: Adapter, tmp_path: Path) -> None:
        key, count = Key("job", 1), tmp_path / "count"
        task = Task(key, python(f"open({str(count)!r}, 'a').write('x')"))
        for _ in range(3):
            site.start(task)
        ended(site, key)
        for _ in range(3):
            site.start(task)
        assert count.read_text() == "x"
        assert site.known() == [key]

    def test_many_who_start_at_once_start_it_once(self, open_site: Opener, tmp_path: Path) -> None:
        key, count = Key("job", 1), tmp_path / "count"
        task = Task(key, python(f"import time; open({str(count)!r}, 'a').write('x'); time.sleep(0.2)"))
        fork = multiprocessing.get_context("fork")
        gate = fork.Barrier(6)

        def starter() -> None:
            site = open_site()
            gate.wait(PATIENCE_S)
            site.start(task)

        starters = [fork.Process(target=starter) for _ in range(6)]
        for process in starters:
            process.start()
        for process in starters:
            process.join(PATIENCE_S)
        assert [process.exitcode for process in starters] == [0] * 6
        ended(open_site(), key)
        assert count.read_text() == "x"

    def test_a_lower_generation_is_refused(self, open_site: Opener) -> None:
        site = open_site()
        site.start(Task(Key("job", 5), python("pass")))
        with pytest.raises(StaleGeneration, match="4 is older than 5"):
            open_site().start(Task(Key("job", 4), python("pass")))
        # What still waits for its turn may be refused by then, so it has it first.
        assert ended(site, Key("job", 5)).succeeded
        site.start(Task(Key("job", 6), python("pass")))
        site.start(Task(Key("other", 1), python("pass")))
        assert site.status(Key("job", 4)).state == "absent"
        assert {ended(site, key).succeeded for key in site.known()} == {True}

    def test_a_lower_generation_is_refused_also_when_the_higher_one_is_forgotten(
        self, open_site: Opener
    ) -> None:
        site = open_site()
        site.start(Task(Key("job", 5), python("pass")))
        ended(site, Key("job", 5))
        site.forget(Key("job", 5))
        assert site.known() == []
        with pytest.raises(StaleGeneration):
            open_site().start(Task(Key("job", 4), python("pass")))

    @pytest.mark.slow
    def test_a_run_goes_on_while_its_lease_is_renewed_and_is_ended_when_nobody_does(
        self, open_site: Opener, tmp_path: Path
    ) -> None:
        site = open_site()
        task = Task(Key("job", 1), python(FAMILY + "time.sleep(600)"), lease_until=steady() + PATIENCE_S)
        if "lease" not in site.capabilities:
            with pytest.raises(Unsupported, match="lease"):
                site.start(task)
            return
        assert isinstance(site, Leasing)
        pids: list[int] = []
        # On a busy machine orders may be under way for longer than a short lease; then they get longer ones.
        for generation, lease_s in enumerate((4.0, 10.0, 20.0), start=1):
            task = replace(task, key=Key("job", generation), lease_until=steady() + lease_s)
            if pids := self.held(site, task, lease_s, tmp_path):
                break
        assert len(pids) == 3, "it was renewed"
        site.renew({task.key: steady() - 5.0})
        status = ended(site, task.key)
        assert (status.reason, status.succeeded) == ("lapsed", False)
        assert [pid for pid in pids if self.alive(pid)] == []

    def held(self, site: Adapter, task: Task, lease_s: float, tmp_path: Path) -> list[int]:
        """Processes of a run that outlives its first lease as it is renewed; none when one of the orders was late."""
        assert isinstance(site, Leasing)
        assert task.lease_until is not None
        try:
            site.start(task)
        except SitusError as late:
            assert "lease" in str(late)
            return []
        pids = self.family(site, task.key, tmp_path)
        while (status := site.status(task.key)).alive and steady() < task.lease_until + 2.0:
            site.renew({task.key: steady() + lease_s, Key("job", 7): steady() + lease_s})
            time.sleep(0.5)
        assert status.alive or status.reason == "lapsed"
        return pids if status.alive and all(map(self.alive, pids)) else []

    def test_an_order_to_start_that_comes_after_its_lease_starts_nothing(
        self, site: Adapter, tmp_path: Path
    ) -> None:
        if "lease" not in site.capabilities:
            return
        key, mark = Key("job", 1), tmp_path / "mark"
        task = Task(key, python(f"open({str(mark)!r}, 'a').write('x')"), lease_until=steady() - 2.0)
        with pytest.raises(SitusError, match="lease"):
            site.start(task)
        assert site.status(key).state == "absent"
        site.start(replace(task, lease_until=steady() + 60.0))
        assert ended(site, key).succeeded
        assert mark.read_text() == "x"

    def test_a_fence_refuses_lower_generations_and_starts_nothing(self, open_site: Opener) -> None:
        site = open_site()
        site.fence(Key("job", 5))
        site.fence(Key("job", 5))
        assert site.known() == []
        assert site.status(Key("job", 5)).state == "absent"
        for refused in (site.fence, lambda key: site.start(Task(key, python("pass")))):
            with pytest.raises(StaleGeneration):
                refused(Key("job", 4))
        site.start(Task(Key("job", 4, unit=1), python("pass")))
        site.start(Task(Key("job", 5), python("pass")))
        assert {ended(open_site(), key).succeeded for key in site.known()} == {True}

    def test_what_is_forgotten_is_gone_and_what_runs_cannot_be(self, site: Adapter, tmp_path: Path) -> None:
        key = Key("job", 1)
        site.start(Task(key, python("open('model', 'w').write('x'); import time; time.sleep(600)")))
        with pytest.raises(SitusError, match="still runs"):
            site.forget(key)
        site.stop(key, grace_s=0)
        site.forget(key)
        site.forget(key)
        assert site.status(key).state == "absent"
        assert site.known() == []
        with pytest.raises(SitusError):
            site.get(key, "model", tmp_path / "model")

    # Crashes of the control plane

    def test_a_run_goes_on_when_the_one_who_started_it_is_killed(
        self, open_site: Opener, tmp_path: Path
    ) -> None:
        key, gate = Key("job", 1), tmp_path / "gate"
        text = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('done')"

        def start() -> None:
            open_site().start(Task(key, python(text)))
            os.kill(os.getpid(), signal.SIGKILL)

        process = multiprocessing.get_context("fork").Process(target=start)
        process.start()
        process.join(PATIENCE_S)
        assert process.exitcode == -signal.SIGKILL
        site = open_site()
        assert site.status(key).alive
        gate.touch()
        assert ended(site, key).succeeded
        assert site.logs(key)[0] == b"done\n"

    @pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
    def test_killed_at_random_instants_it_loses_nothing_and_runs_nothing_twice(
        self, open_site: Opener, tmp_path: Path, seed: int
    ) -> None:
        rng = random.Random(seed)
        work = Workday(open_site, tmp_path)
        # A fast machine may be done before a clock strikes; these strike after so much work instead.
        for _ in range(3):
            process = work.begin(die_at=rng.randrange(work.JOBS))
            process.join()
            assert process.exitcode == -signal.SIGKILL
            work.check()
        kills = 0
        while not work.finished():
            process = work.begin()
            # Half of the kills hit at once, where files are laid down; the rest anywhere in the day.
            process.join(rng.choice((rng.uniform(0, 0.02), rng.uniform(0, self.STEP_S))))
            if process.is_alive():
                process.kill()
                kills += 1
            process.join()
            work.check()
            assert kills < 500, "it gets on, however often it is killed"
        work.check_all_done()
