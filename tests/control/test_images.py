"""Images of workloads at a real engine: another one than the site's; a new version by the image alone; by digest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from situs.intent import loads
from situs.model.intent import Intent
from situs.sites.adapter import Key
from tests.control.plane import Plane, until
from tests.control.test_one_spec import SERVE, answered_by, free
from tests.sites.container_engine import IMAGE, ContainerEngine, python_mounts, serve_images
from tests.sites.started import started_engine
from tests.store.databases import migrated

pytestmark = pytest.mark.slow

TOLD = SERVE.replace("os.environ['GREETING']", "os.environ['VERSION']")
SPEC = """\
workloads:
  web:
    stage: serve
    service: {{requests_per_s: 1, listen: "{listen}", drain: 1s}}
    label: {{level: 0}}
    shapes: [{{cpu: 1, memory: 256MiB}}]
    run: {{command: [{python}, -S, serve.py], files: [serve.py], health: /, image: "{image}"}}
  plain:
    stage: batch
    job: {{work: 1h}}
    label: {{level: 0}}
    run: {{command: [sh, -c, 'echo "version $VERSION"']}}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerEngine]:
    with started_engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture
def images(engine: ContainerEngine, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two images in a registry and nowhere else: one by its tag, and one by its digest."""
    with serve_images(tmp_path / "registry") as address, engine.client() as client:
        name = f"{address}/team/tool"
        body = {"Image": IMAGE, "Cmd": ["sh"]}
        made = client.post("/containers/create", json=body).json()["Id"]
        for tag in ("one", "two"):
            query = {"container": made, "repo": name, "tag": tag}
            client.post("/commit", params=query, json={"Env": [f"VERSION={tag}"]}).raise_for_status()
            said = client.post(
                f"/images/{name}/push", headers={"X-Registry-Auth": "e30="}, params={"tag": tag}
            )
            assert "error" not in said.text, said.text
        (pushed,) = client.get(f"/images/{name}:two/json").json()["RepoDigests"]
        for tag in ("one", "two"):
            client.delete(f"/images/{name}:{tag}", params={"force": "1"}).raise_for_status()
        yield f"{name}:one", pushed
    engine.clear()


def estate(engine: ContainerEngine, listen: str, image: str) -> Intent:
    options = {
        "socket": engine.socket,
        "image": IMAGE,
        "network": "host",
        "mounts": ",".join(python_mounts()),
    }
    pool = {"node": {"cpu": 8, "memory": "16GiB"}, "count": 1, "price": {"basis": "owned", "price": "0 EUR"}}
    site = {
        "kind": "on_prem", "country": "DE", "clearance": 1, "pools": {"box": pool},
        "adapter": {"kind": "container", "options": options},
    }  # fmt: skip
    work = SPEC.format(python=sys.executable, listen=listen, image=image)
    return loads(f"{yaml.safe_dump({'sites': {'there': site}})}{work}").intent


def runs_in(engine: ContainerEngine, generation: int, unit: int) -> str:
    """The image of a run of the service, as the engine has been told it."""
    with engine.client() as client:
        there = client.get("/containers/json").json()
        key = str(Key("web", generation, unit))
        (found,) = [one["Id"] for one in there if one["Labels"].get("situs.key") == key]
        return str(client.get(f"/containers/{found}/json").json()["Config"]["Image"])


def test_another_image_is_another_version(
    engine: ContainerEngine, images: tuple[str, str], tmp_path: Path
) -> None:
    tagged, by_digest = images
    assert "@sha256:" in by_digest
    listen, places = free(), {name: [("there", "box", 1)] for name in ("web", "plain")}
    plane = Plane(migrated(tmp_path / "control.db"), tmp_path / "situs", estate(engine, listen, tagged))
    files = {"serve.py": TOLD.encode()}
    plane.apply(places, files)
    with plane.leading():
        until(lambda: answered_by(listen) == {"0 one"}, "the image that it names has been fetched")
        first = plane.last("web")
        assert first and runs_in(engine, first.generation, 0) == tagged
        until(lambda: plane.outcome("plain") == "succeeded", "what names none runs in the site's")
        plane.intent = estate(engine, listen, by_digest)
        plane.apply(places, files)
        until(lambda: any(word.endswith("two") for word in answered_by(listen)), "the other one takes over")
        until(lambda: len([run for run in plane.runs("web") if run.alive]) == 1, "and the first one ends")
        (second,) = [run for run in plane.runs("web") if run.alive]
        assert second.spec != first.spec
        assert runs_in(engine, second.generation, second.unit) == by_digest, "as it was given"
        assert len(plane.runs("plain")) == 1, "nothing else has changed"
        plane.intent = plane.intent.model_copy(update={"workloads": {}})
        plane.apply({})
        until(lambda: not any(run.alive for run in plane.runs("web")), "it is stopped")
