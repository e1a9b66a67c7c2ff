"""Public clouds through SkyPilot: its real API server, with a real Slurm for a cloud."""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.figure import CannotMeasure
from bench.peers.skypilot import skypilot_version
from bench.peers.skypilot_server import CPU_USD, SLURM, Served, served
from bench.slurm_cluster import free_ports
from situs.intent import loads
from situs.model import estate
from situs.model.error import InputError, SitusError
from situs.sites.adapter import Key, StaleGeneration, Task, Unreachable, Unsupported
from situs.sites.cloud.handle import address_of
from situs.sites.cloud.host import KeptHost
from situs.sites.cloud.machines import Machines
from situs.sites.cloud.names import Names
from situs.sites.cloud.server import ApiServer, Pending, unsuitable
from situs.sites.cloud.site import CloudSite
from situs.sites.cloud.states import gone
from situs.sites.cloud.telling import CloudOptions
from situs.sites.cloud.wanted import Machine
from situs.sites.conformance.waiting import ended, python
from situs.sites.discover import found_sites, written
from situs.sites.joining import document, probe
from situs.sites.registry import Rented, opened, rented
from situs.sites.shell import ThisMachine
from tests.sites.aws_emulator import REGION, TYPE, Emulator, emulator
from tests.sites.skypilot_site import ADDRESS, PreparedMachines, cloud_site

CANARY = "canary-of-the-cloud-5f1c"
PATIENCE_S = 60.0


def until(true: object, what: str) -> None:
    """As the suite's, for things that take a cloud some seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s in vain: {what}"
        time.sleep(0.2)


@pytest.fixture
def clouds(tmp_path: Path) -> Iterator[tuple[Served, Emulator]]:
    """Its port is always the same one, so one test does all that needs it."""
    try:
        skypilot_version()
        with emulator(tmp_path) as aws, served(tmp_path / "pilot", 2, aws.env, aws.introduce) as there:
            yield there, aws
    except CannotMeasure as missing:
        pytest.skip(str(missing))


def slurm_jobs(there: Served, site: str) -> list[str]:
    """Names of all machines that the cloud was ever asked for by a site."""
    names = there.slurm.command("squeue", "--noheader", "--states=all", "--format=%j").split()
    return [name for name in names if name.endswith(f"-{Names(site).user}")]


def launch_and_die(there: Served, folder: Path, task: Task) -> None:
    """A control plane that is killed when the API server has taken its order, before it learns so."""

    def dying(machines: Machines, key: Key, machine: Machine) -> None:
        launch(machines, key, machine)
        os.kill(os.getpid(), signal.SIGKILL)

    launch = PreparedMachines._launch
    PreparedMachines._launch = dying  # type: ignore[method-assign, assignment]
    cloud_site(there, folder, "west").start(task)


@pytest.mark.slow
@pytest.mark.rented
def test_runs_in_a_real_cloud(clouds: tuple[Served, Emulator], tmp_path: Path) -> None:
    skypilot, aws = clouds
    task = copier(tmp_path / "gate")
    process = multiprocessing.get_context("fork").Process(
        target=launch_and_die, args=(skypilot, tmp_path / "life" / "first", task)
    )
    process.start()
    process.join(PATIENCE_S)
    assert process.exitcode == -signal.SIGKILL
    can_be_connected_with_one_command()
    with ThreadPoolExecutor() as threads:
        parts = [
            threads.submit(from_a_lost_answer_to_the_machine_given_back, skypilot, tmp_path / "life", task),
            threads.submit(
                a_machine_that_is_taken_away_is_told_of_with_the_reason, skypilot, tmp_path / "taken"
            ),
            threads.submit(of_ec2_the_right_machine_is_asked_for_once, aws, tmp_path / "ec2"),
            threads.submit(what_cannot_be_rented_is_refused_with_the_reason, tmp_path / "refused"),
        ]
    for part in parts:
        part.result()


def copier(gate: Path) -> Task:
    """Copies a file, and ends once the gate is there."""
    text = (
        "import os, shutil, sys, time\nprint('begins', flush=True)\nshutil.copy('deep/in', 'out')\n"
        f"assert os.environ['PASS'] == {CANARY[::-1]!r}[::-1]\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.05)\nprint('ends'); sys.exit(7)"
    )
    return Task(Key("train", 3), python(text), {"PLAIN": "1"}, secrets={"PASS": CANARY})


def from_a_lost_answer_to_the_machine_given_back(skypilot: Served, folder: Path, task: Task) -> None:
    key, gate = task.key, folder.parent / "gate"
    # Another control plane, on another machine: it knows nothing but the name of the site.
    site = cloud_site(skypilot, folder / "second", "west")
    assert site.health().ok, site.health()
    source = folder / "source"
    source.write_bytes(os.urandom(100_001))
    assert site.put(key, source, "deep/in") == hashlib.sha256(source.read_bytes()).hexdigest()
    assert site.status(key).state == "absent"
    until(lambda: site._machines.one(key), "the order that nobody knows of is carried out")
    with pytest.raises(StaleGeneration):
        site.start(Task(Key("train", 2), python("pass")))
    until(lambda: begun(site, task), "it is started")
    site.start(task)
    assert slurm_jobs(skypilot, "west") == [f"{Names('west').cluster(key)}-{Names('west').user}"]
    assert site.known() == [key]
    until(lambda: site.logs(key)[0] == b"begins\n", "it begins")
    assert site.status(key).state == "running"
    assert_told_nowhere(skypilot, folder, CANARY)
    with pytest.raises(SitusError, match="still runs"):
        site.forget(key)
    with pytest.raises(SitusError, match="has started"):
        site.put(key, source, "late")
    (record,) = site._machines.all().values()
    assert (record["autostop"], record["to_down"]) == (5, True)
    assert record["labels"]["situs-workload"] == "train"

    before, where = site.logs(key)
    gate.touch()
    third = cloud_site(skypilot, folder / "third", "west")
    until(lambda: third.status(key).state == "ended", "it ends")
    status = third.status(key)
    assert (status.exit_code, status.reason, status.detail) == (7, "exited", None)
    assert status.usage is not None
    assert status.usage.billed is not None
    assert status.usage.billed.currency == "USD"
    assert float(status.usage.billed.amount) > status.usage.wall_s * CPU_USD / 3600
    assert third.logs(key, where) == (b"ends\n", where + 5)
    third.get(key, "out", folder / "out")
    assert (folder / "out").read_bytes() == source.read_bytes()
    site.start(task)
    site.forget(key)
    site.forget(key)
    assert site.status(key).state == "absent"
    assert site.known() == []
    assert len(slurm_jobs(skypilot, "west")) == 1
    # What the machine knew is remembered where it was fetched to.
    assert third.status(key) == status
    assert third.logs(key)[0] == before + b"ends\n"


def begun(site: CloudSite, task: Task) -> bool:
    """As the control plane does it: what is not there yet is asked for again."""
    try:
        site.start(task)
    except Unreachable:
        return False
    return True


def assert_told_nowhere(there: Served, folder: Path, secret: str) -> None:
    """Neither in what SkyPilot keeps, nor in a file of ours, nor in a list of processes."""
    own = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in there.home.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "requests.db" for path in kept)
    assert [path for path in [*own, *kept] if secret.encode() in content(path)] == []
    shown = subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, check=True).stdout
    assert secret.encode() not in shown


def content(path: Path) -> bytes:
    """Nothing of what has gone meanwhile."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def a_machine_that_is_taken_away_is_told_of_with_the_reason(skypilot: Served, folder: Path) -> None:
    site, key = cloud_site(skypilot, folder, "east"), Key("serve", 1)
    site.start(Task(key, python("import time; print('up', flush=True); time.sleep(600)")))
    assert site.status(key).state == "running"
    (job,) = slurm_jobs(skypilot, "east")
    skypilot.slurm.command("scancel", "--name", job)
    until(lambda: not_running(site, key), "it is seen")
    status = site.status(key)
    assert (status.state, status.reason, status.succeeded) == ("ended", "cancelled", False)
    assert "its machine is gone" in str(status.detail)
    assert status.usage is not None
    assert status.usage.billed is not None
    site.forget(key)
    assert site.known() == []


def not_running(site: CloudSite, key: Key) -> bool:
    try:
        return site.status(key).state == "ended"
    except Unreachable:
        return False


def of_ec2_the_right_machine_is_asked_for_once(aws: Emulator, folder: Path) -> None:
    """As far as an emulator goes: nothing boots in it, so nothing is run."""
    names, key = Names("ec2"), Key("train", 1)
    server = ApiServer(ADDRESS, names.user)
    spot = CloudOptions({}, Machine(f"aws/{REGION}", TYPE, spot=True), start_s=0.0)

    def plane(number: int) -> CloudSite:
        return CloudSite(server, Machines(server, names, 3600.0), folder / str(number), spot)

    site, task = plane(1), Task(key, ("true",))
    assert site.health().ok
    with pytest.raises(Pending, match=rf"m5.large \(spot\) in aws/{REGION}"):
        site.start(task)
    until(aws.instances, "it is rented")
    for number in (1, 2):
        with pytest.raises(Pending):
            plane(number).start(task)
    (rented,) = aws.instances()
    assert (rented.instance_type, rented.state, rented.spot) == (TYPE, "running", True)
    assert rented.tags["situs-workload"] == "train"
    assert rented.tags["skypilot-cluster-name"] == f"{names.cluster(key)}-{names.user}"
    assert plane(2).known() == [key]
    assert site.status(key).state == "absent"
    plane(2).forget(key)
    assert [one.state for one in aws.instances()] == ["terminated"]
    assert plane(1).known() == []
    site.forget(key)
    assert site.known() == []


def what_cannot_be_rented_is_refused_with_the_reason(folder: Path) -> None:
    site = opened(
        "south",
        estate.Site(
            kind=estate.SiteKind.PUBLIC, country="US",
            adapter=estate.Adapter(kind="cloud", options={"infra": "gcp/us-east1"}),
        ),
        folder,
    )  # fmt: skip
    health = site.health()
    assert not health.ok
    assert health.cause == "SkyPilot has no access to gcp"
    assert "sky check gcp" in str(health.next_step)
    with pytest.raises(SitusError, match="no machine"):
        site.start(Task(Key("job", 1), python("pass")))
    assert site.known() == []
    site.fence(Key("job", 5))
    with pytest.raises(StaleGeneration, match="4 is older than 5"):
        site.start(Task(Key("job", 4), python("pass")))
    with pytest.raises(Unsupported, match="2 accelerators"):
        site.start(Task(Key("job", 6), python("pass"), accelerators=2))
    site.forget(Key("job", 1))
    assert site.known() == []


# Without a server


def test_a_server_that_is_away_is_told_of_with_what_to_do(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    site = opened(
        "away",
        estate.Site(
            kind=estate.SiteKind.PUBLIC, country="US",
            operator="aws", region="us-east-1",
            adapter=estate.Adapter(kind="cloud", options={"server": f"http://127.0.0.1:{port}"}),
        ),
        tmp_path,
    )  # fmt: skip
    health = site.health()
    assert not health.ok
    assert "cannot be reached" in str(health.cause)
    assert "sky api start" in str(health.next_step)
    with pytest.raises(Unreachable):
        site.start(Task(Key("job", 1), python("pass")))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"status": "healthy", "api_version": "62"}, None),
        ({"status": "healthy", "api_version": "24", "version": "0.11.0"}, "0.11.0 speaks version 24"),
        ({"status": "healthy"}, "speaks version ?"),
        ({"status": "needs_auth", "api_version": "62"}, "needs_auth"),
    ],
)
def test_servers_that_are_too_old_or_not_well_are_refused(told: dict[str, str], why: str | None) -> None:
    said = unsuitable(told)
    assert said is None if why is None else why in str(said)


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("server", "http://sky.example", "https://sky.example"),
        ("server", "https://me:secret@sky.example", "no address"),
        ("infra", "AWS", "no place of SkyPilot"),
        ("unattended", "0", "no number of hours"),
        ("token", "hunter2", "env:NAME"),
    ],
)
def test_wrong_options_are_refused(option: str, value: str, why: str, tmp_path: Path) -> None:
    adapter = estate.Adapter(kind="cloud", options={option: value})
    with pytest.raises(InputError, match=why):
        opened("s", estate.Site(kind=estate.SiteKind.PUBLIC, country="US", adapter=adapter), tmp_path)


def test_every_machine_is_given_back_by_itself_and_says_whose_it_is() -> None:
    names = Names("west")
    machines = Machines(ApiServer("http://127.0.0.1:1", names.user), names, 7200.0)
    key = Key("Über lange Namen." * 9, 12, 3)
    task = machines._task(key, Machine("aws/eu-central-1", "g5.xlarge", spot=True))
    resources = task["resources"]
    assert isinstance(resources, dict)
    assert resources["autostop"] == {"idle_minutes": 5, "down": True, "wait_for": "jobs"}
    assert (resources["infra"], resources["instance_type"]) == ("aws/eu-central-1", "g5.xlarge")
    assert resources["use_spot"] is True
    # What Google takes all others take too, and SkyPilot adds nine to the name.
    assert all(len(value) <= 63 and value == value.lower() for value in resources["labels"].values())
    assert len(names.cluster(key)) + 9 <= 28
    record = {"name": names.cluster(key), "last_creation_yaml": json.dumps(task)}
    assert names.key(record) == key
    assert Names("east").key(record) is None
    assert names.key({**record, "name": names.cluster(Key("other", 1))}) is None
    assert names.key({"name": "mine", "last_creation_yaml": "run: [broken"}) is None


@pytest.mark.parametrize(
    ("record", "resources", "why"),
    [
        (None, "1x[spot](cpus=2, m5.large)", "its spot machine was taken back (preempted)"),
        (None, "1x(cpus=2, m5.large)", "its machine is gone (preempted)"),
        ({"status": "STOPPED"}, "1x[spot](cpus=2)", "its machine was stopped, not by situs (preempted)"),
    ],
)
def test_why_a_machine_is_gone_is_told(record: dict[str, str] | None, resources: str, why: str) -> None:
    status = gone({"resources_str_full": resources, "last_event": "preempted", "duration": 90}, record)
    assert (status.state, status.reason, status.detail) == ("ended", "cancelled", why)
    assert status.usage is not None
    assert status.usage.wall_s == 90


def test_names_of_different_runs_differ() -> None:
    keys = [Key(name, generation, unit) for name in "ab" for generation in (1, 11) for unit in (0, 1)]
    assert len({Names(site).cluster(key) for site in ("x", "y") for key in keys}) == 2 * len(keys)


class Hostile:
    """What runs a command when it is brought to life."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self._mark,)


def test_what_a_server_pickled_is_read_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert address_of(base64.b64encode(pickle.dumps(Hostile(mark))).decode()) is None
    assert not mark.exists()
    assert address_of("no pickle") is None


# The keeper of a machine


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = begin_keeper(tmp_path)
    yield process
    process.kill()
    process.wait()


def begin_keeper(folder: Path, idle_s: int = 3600, unattended_s: int = 3600) -> subprocess.Popen[bytes]:
    bash = shutil.which("bash")
    assert bash is not None
    script = Path(__file__).parents[2] / "src/situs/sites/cloud/keeper.sh"
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "SITUS_FOLDER": "kept",
        "SITUS_IDLE_S": str(idle_s), "SITUS_UNATTENDED_S": str(unattended_s),
    }  # fmt: skip
    process = subprocess.Popen([bash, script], env=env, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    lines = iter(process.stdout.readline, b"")
    assert any(line == b"situs-keeper ready\n" for line in lines)
    return process


@pytest.mark.slow
def test_a_keeper_starts_what_it_is_told_to_and_hands_secrets_over(
    keeper: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    host, key = KeptHost(ThisMachine(tmp_path), str(tmp_path / "kept")), Key("job", 1)
    host.start(
        Task(key, python("import os; print(os.environ['PASS'], os.getppid())"), secrets={"PASS": CANARY})
    )
    host.start(Task(key, python("print('again')")))
    assert ended(host, key).succeeded
    said = host.logs(key)[0].decode()
    assert said.startswith(CANARY)
    assert said.count("\n") == 1
    assert list((tmp_path / "kept").glob("order.*")) == []
    keeper.kill()
    keeper.wait()
    with pytest.raises(SitusError, match="keeper of this machine has ended"):
        host.start(Task(Key("job", 2), python("pass")))


@pytest.mark.slow
def test_a_keeper_leaves_when_nobody_needs_the_machine(tmp_path: Path) -> None:
    host, key = KeptHost(ThisMachine(tmp_path), str(tmp_path / "kept")), Key("job", 1)
    keeper = begin_keeper(tmp_path, unattended_s=10**9)
    try:
        # One that is told again while another keeps only says how to reach the machine.
        assert begin_keeper(tmp_path).wait(PATIENCE_S) == 0
        host.start(Task(key, python("pass")))
        ended(host, key)
        unseen(tmp_path)
        with pytest.raises(subprocess.TimeoutExpired):
            keeper.wait(3.0)
        host.fetched(key)
        unseen(tmp_path)
        assert keeper.wait(PATIENCE_S) == 0, "its end is known"
        keeper = begin_keeper(tmp_path, idle_s=10**9)
        host.start(Task(Key("job", 2), python("import time; time.sleep(600)")))
        unseen(tmp_path)
        assert keeper.wait(PATIENCE_S) == 0, "nobody asked for it any more"
        host.stop(Key("job", 2), 0.0)
    finally:
        keeper.kill()
        keeper.wait()


def unseen(folder: Path) -> None:
    """Nobody has asked for two hours."""
    then = time.time() - 7200
    os.utime(folder / "kept" / "seen", (then, then))


def pool(**fields: object) -> estate.Pool:
    """A pool of an estate."""
    return estate.Pool.model_validate(
        {"node": {"cpu": 8, "memory": "64GiB"}, "price": {"basis": "on_demand", "price": "1 EUR/h"}, **fields}
    )


def test_a_task_of_a_pool_gets_the_machine_of_the_pool(tmp_path: Path) -> None:
    gpu = {"cpu": 8, "memory": "64GiB", "accelerators": 2, "accelerator_memory": "80GiB"}
    site = estate.Site(
        kind=estate.SiteKind.PUBLIC, country="DE", operator="google", region="europe-west3",
        pools={
            "exact": pool(sku="aws/eu-central-1/g5.xlarge", price={"basis": "spot", "price": "1 EUR/h"}),
            "shape": pool(node=gpu, accelerator="H100"),
        },
        adapter=estate.Adapter(kind="cloud"),
    )  # fmt: skip
    opened_site = opened("s", site, tmp_path)
    assert isinstance(opened_site, CloudSite)

    def resources(of: str, accelerators: int = 0) -> dict[str, object]:
        env = {"SITUS_POOL": of}
        return opened_site._options.machine(
            Task(Key("a", 1), ("true",), env, accelerators=accelerators)
        ).resources()

    assert resources("exact") == {
        "infra": "aws/eu-central-1", "use_spot": True, "instance_type": "g5.xlarge",
    }  # fmt: skip
    assert resources("shape", 2) == {
        "infra": "gcp/europe-west3", "use_spot": False, "cpus": "8+", "memory": "64+", "accelerators": "H100:2",
    }  # fmt: skip
    assert resources("none") == {"infra": "gcp/europe-west3", "use_spot": False}
    there = opened_site.inventory()
    assert (there.cpus, there.accelerators, len(there.nodes)) == (16, {"H100": 2}, 2)
    with pytest.raises(Unsupported, match="3 accelerators"):
        resources("shape", 3)


def test_what_would_be_rented_is_told_and_nobody_is_asked() -> None:
    site = estate.Site(
        kind=estate.SiteKind.PUBLIC, country="DE", operator="azure", region="westeurope",
        pools={"plain": pool()}, adapter=estate.Adapter(kind="cloud"),
    )  # fmt: skip
    assert rented(site, "plain") == Rented("8+ CPU, 64+ GiB", "azure/westeurope", False, "1 EUR/h")
    assert rented(site, "none") is None
    assert rented(site.model_copy(update={"adapter": estate.Adapter()}), "plain") is None


def test_regions_that_are_set_up_are_found_where_skypilot_is_used(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[default]\nregion = eu-central-1\n[profile b]\nregion=us-east-1\nregion = eu-central-1\n"
    )
    assert clouds_found(tmp_path) == []
    (tmp_path / ".sky").mkdir()
    assert clouds_found(tmp_path) == ["aws-eu-central-1", "aws-us-east-1"]


def clouds_found(home: Path) -> list[str]:
    """Names of sites, all of which make a valid estate."""
    sites = found_sites(everything=True, home=home, environment={})
    text = written(sites, "DE", regions={("aws", "us-east-1"): "US"})
    intent = loads(text, "estate.yaml").intent
    found = [name for name, site in intent.sites.items() if site.adapter.kind == "cloud"]
    for name in found:
        assert intent.sites[name].operator == "aws"
        assert intent.sites[name].country == ("US" if "us-east" in name else "DE")
    return found


def can_be_connected_with_one_command() -> None:
    probed = probe("found", "cloud", {"infra": f"slurm/{SLURM}"}, lambda _: False)
    text = document(
        "found", "cloud", probed, place="on_prem", country="DE", clearance=1, electricity=None,
        at=datetime.now(UTC), links=True,
    )  # fmt: skip
    site = loads(text, "found.yaml").intent.sites["found"]
    assert (site.kind, site.operator, site.region) == (estate.SiteKind.PUBLIC, "slurm", SLURM)
    assert site.pools["nodes"].price.basis == "on_demand"  # type: ignore[union-attr]


def test_a_site_must_say_where_its_machines_are(tmp_path: Path) -> None:
    site = estate.Site(kind=estate.SiteKind.PUBLIC, country="DE", adapter=estate.Adapter(kind="cloud"))
    with pytest.raises(InputError, match="operator and region, or the option infra"):
        opened("s", site, tmp_path)
