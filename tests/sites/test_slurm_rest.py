"""A real Slurm cluster that is driven by its REST daemon: the conformance suite, and what only such a site has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.slurm_cluster import CPUS, GPUS, MEMORY_MIB, NODES, SlurmCluster
from situs.model import estate
from situs.model.error import SitusError
from situs.sites.adapter import Key, Task, Unreachable
from situs.sites.conformance.gangs import GangConformance
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, ended, python, until
from situs.sites.registry import opened
from situs.sites.shell import ThisMachine
from situs.sites.slurm.rest.api import SlurmApi
from situs.sites.slurm.rest.site import SlurmRestSite
from situs.sites.slurm.submission import SlurmOptions
from tests.sites.slurm_depending import it_runs_after_it_or_never
from tests.sites.slurm_rest import SlurmRest
from tests.sites.started import started_cluster, started_rest
from tests.sites.tls_front import TlsFront

pytestmark = pytest.mark.slow

KEY = Key("job", 1)
FOREVER = python("import time; time.sleep(600)")


@pytest.fixture(scope="session")
def rest_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with started_cluster(tmp_path_factory.mktemp("rest") / "cluster", tokens=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def rest(rest_cluster: SlurmCluster) -> Iterator[SlurmRest]:
    with started_rest(rest_cluster) as daemon:
        yield daemon


class TestSlurmRest(AdapterConformance, GangConformance):
    """The cluster's folder is seen here under another path than at the nodes."""

    # All nodes are this machine, which knows none of their names.
    FIRST_IS_AT = "127.0.0.1"

    # A start whose forerunner was killed waits two seconds for what that may have submitted.
    STEP_S = 8.0

    @pytest.fixture
    def options(self, tmp_path: Path) -> SlurmOptions:
        (tmp_path / "site").mkdir()
        (tmp_path / "mount").symlink_to(tmp_path / "site")
        return SlurmOptions(str(tmp_path / "site"), mount=str(tmp_path / "mount"))

    @pytest.fixture
    def open_site(
        self, rest_cluster: SlurmCluster, rest: SlurmRest, tmp_path: Path, options: SlurmOptions
    ) -> Iterator[Opener]:
        token = rest.token()
        yield lambda: SlurmRestSite(ThisMachine(tmp_path), options, SlurmApi(rest.address, lambda: token))
        rest_cluster.clear()

    @pytest.fixture
    def full(self, rest_cluster: SlurmCluster) -> Iterator[None]:
        """No node takes anything new."""
        nodes = ",".join(rest_cluster.nodes)
        rest_cluster.command("scontrol", "update", f"nodename={nodes}", "state=drain", "reason=test")
        yield
        rest_cluster.resume()

    def jobs(self, site: SlurmRestSite, cluster: SlurmCluster, key: Key = KEY) -> list[str]:
        """The numbers of all jobs of a run."""
        name = f"--name={site.job_name(key)}"
        return cluster.command("squeue", "--noheader", "--states=all", "--format=%A", name).split()

    # What is there

    def test_inventory_is_that_of_the_nodes_that_are_up(
        self, site: SlurmRestSite, rest_cluster: SlurmCluster
    ) -> None:
        there = site.inventory()
        assert (there.cpus, there.accelerators) == (NODES * CPUS, {"h100": NODES * GPUS})
        assert there.memory_gib == pytest.approx(NODES * MEMORY_MIB / 1024)
        (nodes,) = there.nodes
        assert (nodes.count, nodes.cpus) == (NODES, CPUS)
        rest_cluster.command(
            "scontrol", "update", f"nodename={rest_cluster.nodes[0]}", "state=drain", "reason=test"
        )
        try:
            assert site.inventory().cpus == (NODES - 1) * CPUS
        finally:
            rest_cluster.resume()

    @pytest.mark.usefixtures("full")
    def test_a_site_whose_nodes_are_all_drained_is_not_healthy(self, site: SlurmRestSite) -> None:
        assert "drain" in (site.health().cause or "")

    def test_its_clock_is_that_of_the_controller(self, site: SlurmRestSite) -> None:
        assert abs(site.health().clock_ahead_s) < 5

    def test_without_its_folder_nothing_is_made_here_and_the_way_out_is_said(
        self, rest: SlurmRest, tmp_path: Path
    ) -> None:
        token, away = rest.token(), tmp_path / "away"
        api = SlurmApi(rest.address, lambda: token)
        site = SlurmRestSite(ThisMachine(tmp_path), SlurmOptions(str(away)), api)
        health = site.health()
        assert not health.ok
        assert "mount" in (health.next_step or "")
        with pytest.raises(SitusError, match="there is no folder"):
            site.start(Task(KEY, FOREVER))
        assert not away.exists()

    # What is submitted

    def test_nodes_of_a_gang_are_started_together_with_what_was_set_aside(self, site: SlurmRestSite) -> None:
        text = (
            "import os, sys, time; e = os.environ; os.write(1, ' '.join([e['SITUS_NODES'], e['SITUS_NODE_RANK'],"
            " e['SITUS_ACCELERATORS'], e['A']]).encode() + b'\\n'); sys.exit(3 if e['SITUS_NODE_RANK'] == '1' else 0)"
        )
        site.start(Task(KEY, python(text), {"A": "it's"}, nodes=2, cpus=1, memory_gib=0.2, accelerators=GPUS))
        status = ended(site, KEY)
        lines = [line for line in site.logs(KEY)[0].decode().splitlines() if line.startswith("2 ")]
        assert sorted(lines) == ["2 0 0,1 it's", "2 1 0,1 it's"]
        assert (status.reason, status.exit_code) == ("exited", 3)

    @pytest.mark.parametrize("requeue", [False, True])
    def test_whether_slurm_may_start_it_again_is_as_the_site_says(
        self, site: SlurmRestSite, rest_cluster: SlurmCluster, rest: SlurmRest, options: SlurmOptions, tmp_path: Path,
        requeue: bool,
    ) -> None:  # fmt: skip
        token = rest.token()
        api = SlurmApi(rest.address, lambda: token)
        SlurmRestSite(ThisMachine(tmp_path), replace(options, requeue=requeue), api).start(
            Task(KEY, FOREVER, timeout_s=90)
        )
        (job,) = self.jobs(site, rest_cluster)
        shown = rest_cluster.command("scontrol", "show", "job", job)
        assert f"Requeue={int(requeue)}" in shown
        assert "TimeLimit=00:04:00" in shown

    def test_what_waits_for_a_job_of_the_site_runs_after_it_or_never(
        self, rest_cluster: SlurmCluster, rest: SlurmRest, options: SlurmOptions, tmp_path: Path
    ) -> None:
        token = rest.token()
        api = SlurmApi(rest.address, lambda: token)
        it_runs_after_it_or_never(
            rest_cluster,
            tmp_path,
            lambda what: SlurmRestSite(ThisMachine(tmp_path), replace(options, dependency=what), api),
        )

    @pytest.mark.usefixtures("full")
    def test_what_waits_says_why_and_can_be_cancelled_or_stopped(
        self, site: SlurmRestSite, rest_cluster: SlurmCluster, tmp_path: Path
    ) -> None:
        stopped, cancelled = Key("stopped", 1), Key("cancelled", 1)
        for key in (stopped, cancelled):
            site.start(Task(key, python("print('ran')"), secrets={"PASS": "hunter2"}))
            until(lambda key=key: "(" in (site.status(key).detail or ""), "Slurm says why it waits")
            assert site.status(key).state == "queued"
        assert site.stop(stopped, grace_s=30).reason == "stopped"
        rest_cluster.command("scancel", *self.jobs(site, rest_cluster, cancelled))
        assert ended(site, cancelled).reason == "cancelled"
        assert list(tmp_path.rglob("secrets*")) == []

    def test_what_the_site_cancels_is_told_as_such(
        self, site: SlurmRestSite, rest_cluster: SlurmCluster
    ) -> None:
        site.start(Task(KEY, FOREVER))
        until(lambda: site.status(KEY).state == "running", "it runs")
        rest_cluster.command("scancel", *self.jobs(site, rest_cluster))
        status = ended(site, KEY)
        assert (status.reason, status.succeeded) == ("cancelled", False)

    def test_what_slurm_does_not_take_is_refused_in_its_words(
        self, rest: SlurmRest, tmp_path: Path, options: SlurmOptions
    ) -> None:
        token = rest.token()
        api = SlurmApi(rest.address, lambda: token)
        wrong = SlurmRestSite(ThisMachine(tmp_path), replace(options, partition="nowhere"), api)
        for _ in range(2):
            with pytest.raises(SitusError, match=r"job: Slurm refuses it: .*nvalid partition"):
                wrong.start(Task(KEY, FOREVER, secrets={"PASS": "hunter2"}))
        assert wrong.status(KEY).state == "absent"
        assert list(tmp_path.rglob("secrets*")) == []

    # Once and only once

    def test_a_lost_answer_submits_nothing_twice(
        self, open_site: Opener, rest: SlurmRest, rest_cluster: SlurmCluster, tmp_path: Path, options: SlurmOptions
    ) -> None:  # fmt: skip
        token, count = rest.token(), tmp_path / "count"
        task = Task(KEY, python(f"open({str(count)!r}, 'a').write('x'); import time; time.sleep(600)"))
        deaf = SlurmRestSite(ThisMachine(tmp_path), options, Deaf(rest.address, lambda: token))
        with pytest.raises(Unreachable):
            deaf.start(task)
        site = open_site()
        assert site.status(KEY).alive, "it is found by its name"
        for _ in range(2):
            site.start(task)
        until(lambda: count.exists() and count.read_text() == "x", "it runs")
        assert len(self.jobs(site, rest_cluster)) == 1
        assert site.stop(KEY, grace_s=0).reason == "stopped"

    def test_a_submission_that_never_arrived_is_made_again(
        self, open_site: Opener, rest: SlurmRest, tmp_path: Path, options: SlurmOptions,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr("situs.sites.slurm.rest.control.UNDERWAY_S", 0.5)
        token = rest.token()
        with pytest.raises(Unreachable):
            SlurmRestSite(ThisMachine(tmp_path), options, Cut(rest.address, lambda: token)).start(
                Task(KEY, python("pass"), secrets={"PASS": "x"})
            )
        site = open_site()
        assert site.status(KEY).state == "absent"
        site.start(Task(KEY, python("pass"), secrets={"PASS": "x"}))
        assert ended(site, KEY).succeeded

    # Faults

    def test_runs_go_on_while_the_daemon_is_killed(
        self, site: SlurmRestSite, rest: SlurmRest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("situs.sites.again.PAUSES_S", (0.01,))
        gate = tmp_path / "gate"
        text = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)"
        over = Key("over", 1)
        site.start(Task(over, python("pass")))
        assert ended(site, over).succeeded
        site.start(Task(KEY, python(text)))
        rest.end()
        try:
            health = site.health()
            assert not health.ok
            assert "slurmrestd" in (health.cause or "")
            assert site.status(over).succeeded, "what has ended needs no daemon"
            with pytest.raises(Unreachable):
                site.status(KEY)
            with pytest.raises(Unreachable):
                site.start(Task(Key("late", 1), python("pass")))
        finally:
            rest.start()
        assert site.status(KEY).alive
        gate.touch()
        assert ended(site, KEY).succeeded

    def test_the_controllers_silence_is_not_taken_for_a_no(
        self, site: SlurmRestSite, rest_cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("situs.sites.again.PAUSES_S", ())
        monkeypatch.setattr("situs.sites.slurm.rest.control.UNDERWAY_S", 0.5)
        site.start(Task(KEY, FOREVER))
        until(lambda: rest_cluster.saved(site.job_name(KEY)), "the controller has written it down")
        rest_cluster.end("slurmctld")
        try:
            with pytest.raises(Unreachable, match="slurmctld"):
                site.start(Task(Key("late", 1), python("pass")))
        finally:
            rest_cluster.start_controller()
        until(lambda: site.health().ok, "the controller is back")
        site.start(Task(Key("late", 1), python("pass")))
        assert ended(site, Key("late", 1)).succeeded
        assert site.stop(KEY, grace_s=0).reason == "stopped"


class Deaf(SlurmApi):
    """Loses the answer to what it submits."""

    def submit(self, body: Mapping[str, Any]) -> str:
        """Submit, and hear nothing."""
        super().submit(body)
        raise Unreachable("cut")


class Cut(SlurmApi):
    """Loses what it submits."""

    def submit(self, body: Mapping[str, Any]) -> str:
        """Not even this goes out."""
        raise Unreachable("cut")


def site_of(rest: SlurmRest, folder: Path, **options: str) -> SlurmRestSite:
    """As an estate opens it."""
    told = {"address": rest.address, "folder": str(folder), "token": "file:slurm", **options}
    place = estate.Site.model_validate(
        {"kind": "on_prem", "operator": "self", "country": "DE", "pools": {},
         "adapter": {"kind": "slurm", "options": told}}
    )  # fmt: skip
    site = opened("hall", place, folder)
    assert isinstance(site, SlurmRestSite)
    return site


def keep(folder: Path, token: str) -> None:
    """Put a token in its place in one step, as who renews it does."""
    (folder / "secrets").mkdir(exist_ok=True)
    new = folder / "secrets" / "new"
    new.touch(mode=0o600)
    new.write_text(token)
    new.rename(folder / "secrets" / "slurm")


def test_a_token_that_is_over_or_wrong_is_told_and_its_successor_is_used_at_once(
    rest: SlurmRest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("situs.sites.again.PAUSES_S", ())
    short, good = rest.token(1), rest.token()
    keep(tmp_path, f"SLURM_JWT={short}\n")
    site = site_of(rest, tmp_path)
    until(lambda: not site.health().ok, "it is over")
    health = site.health()
    assert "ended at" in (health.cause or "")
    assert "scontrol token" in (health.next_step or "")
    with pytest.raises(Unreachable, match="ended at"):
        site.start(Task(KEY, FOREVER))
    keep(tmp_path, good[:-3] + ("aaa" if good[-3:] != "aaa" else "bbb"))
    with pytest.raises(Unreachable, match="token is valid") as refused:
        site.inventory()
    assert good[:60] not in str(refused.value)
    keep(tmp_path, "no token at all")
    with pytest.raises(SitusError, match="no JSON Web Token"):
        site.inventory()
    keep(tmp_path, good)
    assert site.health().ok


def test_only_a_version_that_both_speak_is_spoken(rest_cluster: SlurmCluster, tmp_path: Path) -> None:
    old = SlurmRest(rest_cluster, "openapi/v0.0.36")
    try:
        old.start()
        keep(tmp_path, old.token())
        site = site_of(old, tmp_path)
        assert "versions v0.0.36" in (site.health().cause or "")
        with pytest.raises(SitusError, match=r"v0\.0\.36 .* situs speaks v0\.0\.38"):
            site.start(Task(KEY, FOREVER))
        old.end()
        old.plugins = "openapi/v0.0.36,openapi/v0.0.38"
        old.start()
        assert site.health().ok
    finally:
        old.end()
        shutil.rmtree(old.folder)


def test_its_certificate_is_verified(
    rest: SlurmRest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("situs.sites.again.PAUSES_S", ())
    keep(tmp_path, rest.token())
    with TlsFront(int(rest.address.rpartition(":")[2]), tmp_path) as front:
        assert site_of(rest, tmp_path, address=front.address, ca=str(front.certificate)).health().ok
        with pytest.raises(Unreachable, match=r"(?i)certificate"):
            site_of(rest, tmp_path, address=front.address).inventory()
