"""One job and one service, written once, at a real site of every kind: the same text, through the control plane.

What differs is the site alone.  The service says the address of wherever it runs, as a careful one does.
"""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bench.slurm_cluster import SlurmCluster
from situs.control import orders
from situs.control.attached import At, End, Output, Reader
from situs.control.connect import by_kind
from situs.facts import load
from situs.intent import loads
from situs.model.intent import Intent
from situs.planner.decide import decide
from situs.sites.ray.api import RayApi
from situs.sites.ray.names import Names
from situs.sites.ray.site import RaySite
from situs.store import plans
from tests.control.plane import Plane, until
from tests.control.ports import free_port
from tests.sites.container_engine import IMAGE, python_mounts
from tests.sites.kubernetes_cluster import IMAGE as CLUSTER_IMAGE
from tests.sites.kubernetes_cluster import NO_CLUSTER, KubernetesCluster, is_named
from tests.sites.ray_cluster import RAY, ray_cluster
from tests.sites.ssh_server import SshServer, access
from tests.sites.started import started_cluster, started_engine
from tests.store.databases import migrated

pytestmark = pytest.mark.slow

WORK = """\
import os
words = open(os.environ['SITUS_INPUT_WORDS']).read().split()
print('counting at', os.environ['SITUS_SITE'], flush=True)
with open(os.environ['SITUS_OUTPUT_COUNTED'], 'w') as out:
    out.write(f'{len(words)} words, the last of them {words[-1]}')
"""
SERVE = """\
import os, socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        text = f"{os.environ['SITUS_UNIT']} {os.environ['GREETING']}".encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *_): pass

# The address by which others reach this place. Nothing is sent.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
    try:
        looking.connect(('192.0.2.1', 9))
        host = looking.getsockname()[0]
    except OSError:
        host = '127.0.0.1'
server = ThreadingHTTPServer((host, 0), Handler)
print(f'http://{host}:{server.server_port}', flush=True)
server.serve_forever()
"""
FILES = {"work.py": WORK.encode(), "serve.py": SERVE.encode()}
WORDS = "one spec for every place"
SPEC = """\
datasets:
  words: {{size_gb: 1KB, label: {{level: 0}}, replicas: [there]}}
  counted: {{size_gb: 1KB, label: {{level: 0}}}}
workloads:
  count:
    stage: batch
    job: {{work: 1h}}
    label: {{level: 0}}
    shapes: [{{cpu: 1, memory: 256MiB}}]
    inputs: [{{dataset: words}}]
    outputs: [{{dataset: counted}}]
    run: {{command: [{python}, -S, work.py], files: [work.py]}}
  fail:
    stage: batch
    job: {{work: 1h}}
    label: {{level: 0}}
    shapes: [{{cpu: 1, memory: 256MiB}}]
    run: {{command: [{python}, -S, -c, "import sys; print('no good'); sys.exit(7)"], final: [7]}}
  web:
    stage: serve
    count: 2
    service: {{requests_per_s: 1, listen: "{listen}", drain: 1s}}
    label: {{level: 0}}
    shapes: [{{cpu: 1, memory: 256MiB}}]
    run: {{command: [{python}, -S, serve.py], files: [serve.py], env: {{GREETING: good day}}, health: /}}
"""


@dataclass(frozen=True)
class Place:
    """A real site: how an estate reaches it."""

    kind: str
    options: Mapping[str, str]
    homes: tuple[Path, ...] = ()
    """of its hosts, where there are several: each gets a unit of the service"""


Opened = Callable[[ExitStack, Path], Place]


def local(_: ExitStack, folder: Path) -> Place:
    return Place("local", {"folder": str(folder / "runs")})


def reached(servers: tuple[SshServer, ...], folder: Path) -> dict[str, str]:
    found = access(folder, *servers)
    return {
        "config": str(found.config), "known_hosts": str(found.known_hosts), "identity": str(found.identity)
    }  # fmt: skip


def ssh(stack: ExitStack, folder: Path) -> Place:
    """Two hosts that are one site."""
    servers = (SshServer(folder / "one"), SshServer(folder / "two"))
    for server in servers:
        stack.callback(server.stop)
    hosts = ",".join(server.address for server in servers)
    return Place(
        "ssh", {"hosts": hosts, "slots": "2", **reached(servers, folder)}, tuple(s.home for s in servers)
    )


def slurm(stack: ExitStack, folder: Path) -> Place:
    """By the commands of its login node."""
    cluster: SlurmCluster = stack.enter_context(started_cluster(folder / "cluster", nodes=2))
    login = SshServer(folder / "login", cluster.env)
    stack.callback(login.stop)
    options = {"host": login.address, "folder": str(folder / "shared")}
    return Place("slurm", {**options, **reached((login,), folder)})


def container(stack: ExitStack, folder: Path) -> Place:
    engine = stack.enter_context(started_engine(folder))
    mounts = ",".join(python_mounts())
    return Place("container", {"socket": engine.socket, "image": IMAGE, "network": "host", "mounts": mounts})


def ray(stack: ExitStack, folder: Path) -> Place:
    if not RAY.exists():
        pytest.skip("needs a Ray cluster: make ray")
    address = stack.enter_context(ray_cluster())
    site = RaySite(RayApi(address), Names("looking"), folder / "unused")
    until(lambda: site.health().ok, "the cluster is up")
    return Place("ray", {"address": address})


def kubernetes(stack: ExitStack, folder: Path) -> Place:
    if not is_named():
        pytest.skip(NO_CLUSTER)
    cluster = KubernetesCluster(folder)
    stack.callback(cluster.stop)
    cluster.start()
    options = {"kubeconfig": str(cluster.kubeconfig), "image": CLUSTER_IMAGE, "tools_image": CLUSTER_IMAGE}
    return Place("kubernetes", {**options, "mounts": ",".join(python_mounts()), "storage_gib": "0.1"})


@pytest.fixture(params=[local, ssh, slurm, container, ray, kubernetes], ids=lambda kind: kind.__name__)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with ExitStack() as stack:
        # Sockets lie in there, and names of sockets are short.
        opened: Opened = request.param
        yield opened(stack, tmp_path_factory.mktemp("at"))


def free() -> str:
    return f"127.0.0.1:{free_port()}"


def estate(place: Place, workloads: str) -> Intent:
    """What is wanted, at this site."""
    pool = {"node": {"cpu": 8, "memory": "16GiB"}, "count": 1, "price": {"basis": "owned", "price": "0 EUR"}}
    site = {
        "kind": "on_prem", "country": "DE", "clearance": 1, "pools": {"box": pool},
        "adapter": {"kind": place.kind, "options": dict(place.options)},
    }  # fmt: skip
    return loads(f"{yaml.safe_dump({'sites': {'there': site}})}{workloads}").intent


def put_in_force(plane: Plane, intent: Intent) -> None:
    """The planner's own plan, after the one in force."""
    with plane.database.read() as connection:
        target = plans.in_force(connection)
        before = plans.load(connection, target.plan).plan if target else None
    plan = decide(intent, load(()), datetime.now(UTC), parent=before).plan
    assert {decision.workload for decision in plan.decisions if decision.assignments} == set(intent.workloads)
    orders.apply(plane.database, plan, intent, plane.facts, FILES, "ann")


def asked(listen: str) -> str:
    """What a request is answered."""
    with urllib.request.urlopen(f"http://{listen}/", timeout=30) as answer:
        return str(answer.read().decode())


def answered_by(listen: str) -> set[str]:
    """Units that answer, asked a few times."""
    try:
        return {asked(listen) for _ in range(6)}
    except OSError:
        return set()


def test_the_same_job_and_the_same_service_run_there(place: Place, tmp_path: Path) -> None:
    listen = free()
    spec = SPEC.format(python=sys.executable, listen=listen)
    intent = estate(place, spec)
    plane = Plane(migrated(tmp_path / "control.db"), tmp_path / "situs", intent)
    data = plane.folder / "sites" / "there" / "data"
    data.mkdir(parents=True)
    (data / "words").write_text(WORDS)
    jobs = {name: work for name, work in intent.workloads.items() if work.job}
    put_in_force(plane, intent.model_copy(update={"workloads": jobs}))
    connect = by_kind(plane.folder)
    reader, site = Reader(plane.database, connect), connect("there", intent.sites["there"])
    with plane.leading():
        try:
            # The job: what it wrote has come home, what it said can be read, and how it ended is known.
            until(lambda: plane.outcome("count"), "it has ended")
            seen = list(reader.follow("count"))
            assert {each.run.site for each in seen if isinstance(each, At)} == {"there"}
            assert b"".join(each.text for each in seen if isinstance(each, Output)) == b"counting at there\n"
            assert isinstance(seen[-1], End) and seen[-1].exit_code == 0
            assert plane.outcome("count") == "succeeded"
            assert (data / "counted").read_text() == "5 words, the last of them place"
            until(lambda: plane.outcome("fail"), "the other one has ended")
            failed = plane.last("fail")
            assert failed and (failed.outcome, failed.exit_code, failed.generation) == ("failed", 7, 1)
            assert reader.output(failed)[0] == b"no good\n"
            put_in_force(plane, intent)
            # The service: all of it is healthy, and answers where situs listens.
            until(lambda: sum(bool(run.ready_at) for run in plane.runs("web")) == 2, "both units are ready")
            until(lambda: answered_by(listen) == {"0 good day", "1 good day"}, "both get requests")
            assert [len(list(home.rglob("serve.py"))) for home in place.homes] == [1] * len(place.homes)
        finally:
            # Nothing is wanted any more: all is ended, and nothing answers.
            put_in_force(plane, intent.model_copy(update={"workloads": {}}))
            until(lambda: all(not run.alive for run in plane.runs("web")), "the service is stopped")
    assert {run.outcome for run in plane.runs("web")} == {"stopped"}
    assert answered_by(listen) == set()
    assert not [key for key in site.known() if site.status(key).alive]
