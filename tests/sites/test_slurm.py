"""A real Slurm cluster: the conformance suite, and what only such a site has."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.slurm_cluster import CPUS, GPUS, MEMORY_MIB, NODES, SlurmCluster
from situs.model.error import SitusError
from situs.sites.adapter import Key, Task, Unreachable
from situs.sites.conformance.gangs import GangConformance
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, ended, python, until
from situs.sites.shell import Completed, ThisMachine
from situs.sites.slurm.site import SlurmSite
from situs.sites.slurm.submission import RESERVED, SlurmOptions, run_script
from tests.sites.slurm_depending import it_runs_after_it_or_never
from tests.sites.started import started_cluster

pytestmark = pytest.mark.slow

SECRET = "hunter2-hunter2"


def secret_files(folder: Path) -> list[Path]:
    """Files that a secret may be in."""
    return [path for name in ("secrets*", "sent.*") for path in folder.rglob(name)]


FOREVER = python("import time; time.sleep(600)")
KEY = Key("job", 1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with started_cluster(tmp_path_factory.mktemp("slurm") / "cluster") as cluster:
        yield cluster


class TestSlurm(AdapterConformance, GangConformance):
    """A cluster reached by the commands of this machine."""

    # All nodes are this machine, which knows none of their names.
    FIRST_IS_AT = "127.0.0.1"

    @pytest.fixture
    def options(self, tmp_path: Path) -> SlurmOptions:
        return SlurmOptions(str(tmp_path / "site"))

    @pytest.fixture
    def open_site(self, cluster: SlurmCluster, tmp_path: Path, options: SlurmOptions) -> Iterator[Opener]:
        yield lambda: SlurmSite(ThisMachine(tmp_path, env=cluster.env), options)
        cluster.clear()

    @pytest.fixture
    def full(self, cluster: SlurmCluster) -> Iterator[None]:
        """No node takes anything new."""
        nodes = ",".join(cluster.nodes)
        cluster.command("scontrol", "update", f"nodename={nodes}", "state=drain", "reason=test")
        yield
        cluster.resume()

    @pytest.fixture
    def impatient(self, cluster: SlurmCluster) -> Iterator[None]:
        """Daemons that do not answer are soon given up."""
        with cluster.impatient():
            yield

    def job(self, site: SlurmSite, cluster: SlurmCluster, key: Key = KEY) -> str:
        """The number of the only job of a run."""
        name = f"--name={site.job_name(key)}"
        (number,) = cluster.command("squeue", "--noheader", "--states=all", "--format=%A", name).split()
        return number

    def has_ended(self, site: SlurmSite, key: Key) -> bool:
        """Also while the controller is away."""
        with contextlib.suppress(Unreachable):
            return site.status(key).state == "ended"
        return False

    # What is there

    def test_a_clock_that_is_ahead_is_told_as_ahead(
        self, cluster: SlurmCluster, tmp_path: Path, options: SlurmOptions
    ) -> None:
        (tmp_path / "date").write_text('#!/bin/sh\nexec /bin/date -d "+1 hour" "$@"\n')
        (tmp_path / "date").chmod(0o755)
        path = f"{tmp_path}:{cluster.env.get('PATH', os.environ['PATH'])}"
        shell = ThisMachine(tmp_path, env={**cluster.env, "PATH": path})
        assert 3000 < SlurmSite(shell, options).health().clock_ahead_s < 4200

    def test_nodes_are_told_of_by_their_shape(self, open_site: Opener) -> None:
        (nodes,) = open_site().inventory().nodes
        assert (nodes.count, nodes.cpus) == (NODES, CPUS)

    def test_inventory_is_that_of_the_nodes_that_are_up(self, site: SlurmSite, cluster: SlurmCluster) -> None:
        there = site.inventory()
        assert (there.cpus, there.accelerators) == (NODES * CPUS, {"h100": NODES * GPUS})
        assert there.memory_gib == pytest.approx(NODES * MEMORY_MIB / 1024)
        assert there.isolation == ("proctrack/cgroup", "task/cgroup")
        node = f"nodename={cluster.nodes[0]}"
        cluster.command("scontrol", "update", node, "state=drain", "reason=test")
        try:
            assert site.inventory().cpus == (NODES - 1) * CPUS
        finally:
            cluster.resume()

    @pytest.mark.usefixtures("full")
    def test_a_site_whose_nodes_are_all_drained_is_not_healthy(self, site: SlurmSite) -> None:
        health = site.health()
        assert not health.ok
        assert "drain" in (health.cause or "")
        assert "resume" in (health.next_step or "")

    def test_a_folder_that_cannot_be_written_to_is_told(self, cluster: SlurmCluster, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        site = SlurmSite(ThisMachine(tmp_path, env=cluster.env), SlurmOptions(f"{tmp_path}/file/site"))
        assert "cannot be written to" in (site.health().cause or "")

    def test_accelerators_are_set_aside_and_told_to_the_run(self, site: SlurmSite) -> None:
        text = (
            "import os, time; print(os.environ['SITUS_ACCELERATORS'], os.environ['CUDA_VISIBLE_DEVICES'],"
            " flush=True); time.sleep(600)"
        )
        keys = [Key("job", 1, unit) for unit in range(NODES + 1)]
        for key in keys:
            site.start(Task(key, python(text), accelerators=GPUS))
        told = [key for key in keys[:-1] if until(lambda key=key: site.logs(key)[0], "it runs") is None]
        assert {site.logs(key)[0] for key in told} == {b"0,1 0,1\n"}
        until(
            lambda: "Resources" in (site.status(keys[-1]).detail or ""),
            "Slurm says what the last one waits for",
        )
        assert site.status(keys[-1]).state == "queued"
        site.stop(keys[0], grace_s=0)
        until(lambda: site.logs(keys[-1])[0], "the last one has the accelerators of the first")
        for key in keys:
            site.stop(key, grace_s=0)

    def test_of_several_nodes_the_fullest_one_counts(self, site: SlurmSite) -> None:
        text = "import os; held = b'x' * (50 << 20 if os.environ['RANK'] == '1' else 1)"
        site.start(Task(KEY, python(text), nodes=2, cpus=1, memory_gib=0.2))
        status = ended(site, KEY)
        assert status.succeeded
        assert status.usage is not None
        assert 50 / 1024 < status.usage.peak_memory_gib < 0.2

    def test_every_node_of_a_gang_has_the_secrets_and_no_file_has_them_after_it(
        self, site: SlurmSite, tmp_path: Path
    ) -> None:
        text = "import os; os.write(1, (str(os.environ['PASS'] == 'it\\'s $HOME') + '\\n').encode())"
        site.start(Task(KEY, python(text), nodes=2, secrets={"PASS": "it's $HOME"}))
        assert ended(site, KEY).succeeded
        assert site.logs(KEY)[0].split() == [b"True", b"True"]
        assert secret_files(tmp_path) == []

    @pytest.mark.usefixtures("full")
    def test_secrets_of_what_never_begins_are_removed(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        stopped, cancelled, fenced = (Key(name, 1) for name in ("stopped", "cancelled", "fenced"))
        for key in (stopped, cancelled, fenced):
            site.start(Task(key, python("print('ran')"), secrets={"PASS": SECRET}))
        waiting = secret_files(tmp_path)
        assert len(waiting) == 3
        assert {oct(path.stat().st_mode & 0o777) for path in waiting} == {"0o600"}
        assert site.stop(stopped, grace_s=30).reason == "stopped"
        cluster.command("scancel", self.job(site, cluster, cancelled))
        assert ended(site, cancelled).reason == "cancelled"
        site.fence(Key("fenced", 2))
        cluster.resume()
        assert ended(site, fenced).reason == "stopped"
        with pytest.raises(SitusError, match="refuses it"):
            site.start(Task(KEY, FOREVER, memory_gib=1e6, secrets={"PASS": SECRET}))
        assert secret_files(tmp_path) == []
        assert SECRET not in "".join(site.logs(key)[0].decode() for key in (stopped, cancelled, fenced))

    # What the site's people do

    def test_a_run_that_the_site_cancels_is_told_as_such(
        self, site: SlurmSite, cluster: SlurmCluster
    ) -> None:
        site.start(Task(KEY, FOREVER))
        until(lambda: site.status(KEY).state == "running", "it runs")
        cluster.command("scancel", self.job(site, cluster))
        status = ended(site, KEY)
        assert (status.reason, status.succeeded) == ("cancelled", False)
        assert "not by situs" in (status.detail or "")
        assert site.status(KEY) == status

    def test_a_run_that_ends_well_when_it_is_cancelled_was_cancelled_nevertheless(
        self, site: SlurmSite, cluster: SlurmCluster
    ) -> None:
        text = (
            "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
            "print('ready', flush=True)\nwhile True: time.sleep(0.01)"
        )
        site.start(Task(KEY, python(text)))
        until(lambda: site.logs(KEY)[0], "it listens")
        cluster.command("scancel", self.job(site, cluster))
        status = ended(site, KEY)
        assert (status.reason, status.exit_code) == ("cancelled", 0)
        assert status.usage is not None, "what was used is known nevertheless"

    @pytest.mark.usefixtures("full")
    def test_what_waits_says_why_and_can_be_cancelled_or_stopped(
        self, site: SlurmSite, cluster: SlurmCluster
    ) -> None:
        stopped, cancelled = Key("stopped", 1), Key("cancelled", 1)
        for key in (stopped, cancelled):
            site.start(Task(key, python("print('ran')")))
            until(lambda key=key: "(" in (site.status(key).detail or ""), "Slurm says why it waits")
            assert site.status(key).state == "queued"
            with pytest.raises(SitusError, match="still runs"):
                site.forget(key)
        began = time.monotonic()
        status = site.stop(stopped, grace_s=600)
        assert (status.state, status.reason, status.exit_code) == ("ended", "stopped", None)
        assert time.monotonic() - began < 300, "what does not run needs no grace"
        cluster.command("scancel", self.job(site, cluster, cancelled))
        assert ended(site, cancelled).reason == "cancelled"
        cluster.resume()
        assert site.logs(stopped) == site.logs(cancelled) == (b"", 0)

    @pytest.mark.usefixtures("full")
    def test_a_fence_also_holds_what_waits(self, site: SlurmSite, cluster: SlurmCluster) -> None:
        site.start(Task(KEY, python("print('ran')")))
        site.fence(Key("job", 2))
        cluster.resume()
        assert ended(site, KEY).reason == "stopped"
        assert site.logs(KEY)[0] == b""

    def test_the_last_word_on_an_end_stays_when_slurm_has_forgotten(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        site.start(Task(KEY, python("import os, signal, time; print('x', flush=True); time.sleep(600)")))
        until(lambda: site.logs(KEY)[0], "it runs")
        job = self.job(site, cluster)
        # Its shell dies, as when the node's kernel ends it: nobody is left to write anything down.
        keeper = (tmp_path / "site" / "runs" / str(KEY) / "keeper").read_text().strip()
        words = Path(f"/proc/{keeper}/cmdline").read_text().split("\0")
        os.kill(int(words[words.index("keep") + 1]), signal.SIGKILL)
        until(lambda: "JobState=FAILED" in cluster.command("scontrol", "show", "job", job), "Slurm sees it")
        record = tmp_path / "site" / "runs" / str(KEY) / "ended"
        assert site.status(KEY).state == "running", "its record may still be on its way"
        assert not record.exists()
        # As if Slurm had forgotten it: the number is of no job.
        (record.parent / "started").write_text("999999\n")
        status = site.status(KEY)
        assert (status.state, status.reason) == ("ended", "lost")
        assert "999999" in (status.detail or "")
        assert record.exists()

    # Once and only once

    def test_a_lost_answer_of_sbatch_submits_nothing_twice(
        self, cluster: SlurmCluster, tmp_path: Path, options: SlurmOptions, open_site: Opener
    ) -> None:
        """The script on the login node dies between the submission and its note of it."""
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "sbatch").write_text(
            '#!/bin/sh\n/usr/bin/sbatch "$@" >/dev/null\nkill -9 "$(ps -o ppid= $PPID)"\n'
        )
        (folder / "sbatch").chmod(0o755)
        count = tmp_path / "count"
        task = Task(KEY, python(f"open({str(count)!r}, 'a').write('x'); import time; time.sleep(600)"))
        env = {**cluster.env, "PATH": f"{folder}:{cluster.env['PATH']}"}
        with pytest.raises(SitusError):
            SlurmSite(ThisMachine(tmp_path, env=env), options).start(task)
        site = open_site()
        assert site.status(KEY).alive, "it is found by its name"
        for _ in range(2):
            site.start(task)
        until(lambda: count.exists() and count.read_text() == "x", "it runs")
        self.job(site, cluster)
        assert site.stop(KEY, grace_s=0).reason == "stopped"

    def test_a_script_that_did_not_arrive_whole_is_not_submitted(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        """As when who sends it is killed in the middle of it."""

        class Cut(ThisMachine):
            def run(self, script: str, *args: str, stdin: bytes = b"", timeout_s: float = 30.0) -> Completed:
                return super().run(script, *args, stdin=stdin[: len(stdin) // 2], timeout_s=timeout_s)

        options = SlurmOptions(str(tmp_path / "site"))
        with pytest.raises(Unreachable, match="not arrive whole"):
            SlurmSite(Cut(tmp_path, env=cluster.env), options).start(Task(KEY, python("pass")))
        assert site.status(KEY).state == "absent"
        site.start(Task(KEY, python("pass")))
        assert ended(site, KEY).succeeded

    def test_of_two_jobs_of_one_run_only_the_first_does_anything(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        count, gate = tmp_path / "count", tmp_path / "gate"
        text = (
            f"import os, time\nopen({str(count)!r}, 'a').write('x')\n"
            f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        )
        site.start(Task(KEY, python(text)))
        until(count.exists, "it runs")
        folder = tmp_path / "site" / "runs" / str(KEY)
        wrapped = f"--wrap=exec /bin/sh {folder}/run.sh {folder}"
        others = [
            cluster.command("sbatch", "--parsable", f"--output={tmp_path}/other.log", wrapped).strip()
            for _ in "12"
        ]
        until(
            lambda: not set(others) & set(cluster.command("squeue", "--noheader", "--format=%A").split()),
            "they end",
        )
        assert site.status(KEY).state == "running"
        gate.touch()
        assert ended(site, KEY).succeeded
        assert count.read_text() == "x"
        assert "runs this already" in (tmp_path / "other.log").read_text()

    def test_what_the_cluster_does_not_take_is_refused_in_its_words(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path, options: SlurmOptions
    ) -> None:
        wrong = SlurmSite(ThisMachine(tmp_path, env=cluster.env), replace(options, partition="nowhere"))
        for _ in range(2):
            with pytest.raises(SitusError, match=r"Slurm refuses it: .*invalid partition"):
                wrong.start(Task(KEY, python("pass")))
        assert wrong.status(KEY).state == "absent"
        site.start(Task(KEY, python("pass"), cpus=1))
        assert [key for key in site.known() if ended(site, key).succeeded] == [KEY]

    def test_what_waits_for_a_job_of_the_site_runs_after_it_or_never(
        self, cluster: SlurmCluster, options: SlurmOptions, tmp_path: Path
    ) -> None:
        it_runs_after_it_or_never(
            cluster,
            tmp_path,
            lambda what: SlurmSite(ThisMachine(tmp_path, env=cluster.env), replace(options, dependency=what)),
        )

    def test_with_requeue_a_run_is_begun_anew_and_otherwise_not(
        self, cluster: SlurmCluster, tmp_path: Path, options: SlurmOptions, open_site: Opener
    ) -> None:
        for requeue, times in ((True, 2), (False, 1)):
            count, gate = tmp_path / f"count-{requeue}", tmp_path / f"gate-{requeue}"
            text = (
                f"import os, time\nopen({str(count)!r}, 'a').write('x')\n"
                f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\nprint('done')"
            )
            key = Key(f"requeue-{requeue}".lower(), 1)
            site = SlurmSite(ThisMachine(tmp_path, env=cluster.env), replace(options, requeue=requeue))
            site.start(Task(key, python(text)))
            until(count.exists, "it runs")
            job = self.job(site, cluster, key)
            again = subprocess.run(["scontrol", "requeue", job], env=cluster.env, capture_output=True)
            assert (again.returncode == 0) == requeue
            until(
                lambda count=count, times=times: count.read_text() == "x" * times,
                "it runs as often as it may",
            )
            assert site.status(key).alive
            gate.touch()
            assert ended(site, key).succeeded
            assert count.read_text() == "x" * times
            assert site.logs(key)[0] == b"done\n"

    # Secrets

    def test_slurm_itself_never_has_the_environment(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        text = "import os, time; print(os.environ['TOKEN'][::-1], flush=True); time.sleep(600)"
        site.start(Task(KEY, python(text), {"TOKEN": SECRET}))
        until(lambda: site.logs(KEY)[0], "it has read its token")
        job = self.job(site, cluster)
        assert SECRET not in cluster.command("scontrol", "show", "job", job)
        assert SECRET not in cluster.command("scontrol", "write", "batch_script", job, "-")
        holding = [
            path
            for folder in (cluster.folder, tmp_path / "site")
            for path in folder.rglob("*")
            if path.is_file() and SECRET.encode() in path.read_bytes()
        ]
        assert [path.name for path in holding] == ["run.sh"]
        assert holding[0].stat().st_mode & 0o777 == 0o600
        site.stop(KEY, grace_s=0)

    # Faults of the cluster

    @pytest.mark.usefixtures("impatient")
    def test_without_its_controller_the_site_says_so_and_runs_go_on(
        self, site: SlurmSite, open_site: Opener, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        gate, count = tmp_path / "gate", tmp_path / "count"
        text = (
            f"import os, time\nopen({str(count)!r}, 'a').write('x')\n"
            f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        )
        early, late, quick = Key("early", 1), Key("late", 1), Key("quick", 1)
        site.start(Task(early, python(text)))
        site.start(Task(quick, python("pass")))
        until(count.exists, "it runs")
        assert ended(site, quick).succeeded
        until(
            lambda: all(cluster.saved(site.job_name(key)) for key in (early, quick)),
            "it has written them down",
        )
        cluster.end("slurmctld", signal.SIGKILL)
        try:
            began = time.monotonic()
            health = site.health()
            assert time.monotonic() - began < 60
            assert not health.ok
            assert "controller does not answer" in (health.cause or "")
            assert "slurmctld" in (health.next_step or "")
            assert site.status(quick).succeeded, "what has ended needs no controller"
            shell = ThisMachine(tmp_path, env=cluster.env)
            shell.ask = shell.run  # type: ignore[method-assign] # once is enough to see it
            once = SlurmSite(shell, SlurmOptions(str(tmp_path / "site")))
            with pytest.raises(Unreachable, match="controller"):
                once.start(Task(late, python(text)))
            gate.touch()
            until(lambda: self.has_ended(site, early), "its record needs no controller")
        finally:
            cluster.start_controller()
        until(lambda: site.health().ok, "the controller is back")
        again = open_site()
        assert again.status(early).succeeded
        until(lambda: again.status(late).state == "absent", "the controller knows of no such job")
        again.start(Task(late, python(text)))
        assert ended(again, late).succeeded
        assert count.read_text() == "xx"

    @pytest.mark.usefixtures("impatient")
    def test_when_its_node_fails_a_run_is_lost_and_ends_where_it_went_on(
        self, site: SlurmSite, cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        beat = tmp_path / "beat"
        text = (
            f"import time, os\nwhile True:\n    open({str(beat)!r} + '.new', 'w').write(str(time.time()))\n"
            f"    os.rename({str(beat)!r} + '.new', {str(beat)!r}); time.sleep(0.05)"
        )
        site.start(Task(KEY, python(text)))
        until(beat.exists, "it runs")
        (node,) = [name for name in cluster.nodes if name in (site.status(KEY).detail or "")]
        cluster.end(node, signal.SIGKILL)
        try:
            until(lambda: {"down", "down*"} & cluster.node_states(), "Slurm gives the node up")
            status = ended(site, KEY)
            assert status.reason == "lost"
            assert node in (status.detail or "")
            # The node only lost its daemon; the run itself went on, until it saw that it was given up.
            until(lambda: time.time() - float(beat.read_text()) > 2, "it stops")
            assert site.status(KEY) == status
        finally:
            cluster.start_node(node)
            cluster.wait_for_nodes()

    def test_the_limit_of_the_partition_is_a_timeout(self, site: SlurmSite, cluster: SlurmCluster) -> None:
        site.start(Task(KEY, FOREVER))
        until(lambda: site.status(KEY).state == "running", "it runs")
        # Limits are whole minutes; an end may be any second, and is looked for twice a minute.
        cluster.command("scontrol", "update", f"jobid={self.job(site, cluster)}", "endtime=now+1")
        deadline = time.monotonic() + 120
        while site.status(KEY).alive:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert (site.status(KEY).reason, site.status(KEY).succeeded) == ("timeout", False)


NAMES = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).filter(
    # These change how any program is found or loaded, or the shells beside it would read them.
    lambda name: (
        name not in RESERVED
        and not re.match("(PATH|LD_|PYTHON|LC_|LANG|SITUS_|PS4$|IFS$|ENV$|PWD$|OLDPWD$|SHLVL$|_$)", name)
    )
)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@pytest.mark.parametrize("shell", ["dash", "bash"])
@settings(max_examples=60, deadline=None)
@given(env=st.dictionaries(NAMES, TEXTS, max_size=6), args=st.lists(TEXTS, max_size=5))
def test_whatever_is_in_environment_and_arguments_arrives_unchanged(
    tmp_path_factory: pytest.TempPathFactory, shell: str, env: dict[str, str], args: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("exec")
    (folder / "work").mkdir()
    text = "import json, os, sys; print(json.dumps([{**os.environ}, sys.argv[1:]]))"
    script = folder / "run.sh"
    task = Task(KEY, (*python(text), *args), env)
    script.write_bytes(run_script(task, SlurmOptions(str(folder)), "job.0"))
    done = subprocess.run(
        [f"/bin/{shell}", script, folder, "exec", "PATH=/usr/bin:/bin"],
        env={},
        capture_output=True,
        check=True,
    )
    seen, seen_args = json.loads(done.stdout)
    assert seen_args == args
    assert {name: seen[name] for name in env} == env


@pytest.mark.parametrize("name", ["a-b", "1A", "", "A=B", "É", "x;reboot", "PPID", "UID"])
def test_names_that_no_shell_can_set_are_refused(name: str) -> None:
    with pytest.raises(SitusError, match="cannot be set"):
        run_script(Task(KEY, ("true",), {name: "x"}), SlurmOptions("/site"), "job.0")


def test_a_zero_byte_is_refused() -> None:
    for task in (Task(KEY, ("a\0b",)), Task(KEY, ("a",), {"A": "b\0"})):
        with pytest.raises(SitusError, match="zero byte"):
            run_script(task, SlurmOptions("/site"), "job.0")


def test_a_relative_folder_is_refused() -> None:
    with pytest.raises(SitusError, match="absolute"):
        SlurmOptions("site")
