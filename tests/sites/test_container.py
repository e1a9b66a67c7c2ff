"""A real container engine: the conformance suite, and what only such a site has."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.model.error import SitusError
from situs.sites.adapter import Full, Key, StaleGeneration, Task, Unreachable
from situs.sites.conformance.accelerators import AcceleratorConformance
from situs.sites.conformance.waiting import Opener, ended, python, until
from situs.sites.container.accelerators import PENDING_S, Desk
from situs.sites.container.creation import EMPTY, ContainerOptions, creation, provide_empty_image
from situs.sites.container.engine import Engine
from situs.sites.container.given import Accelerators
from situs.sites.container.kept import Kept
from situs.sites.container.logs import unframed
from situs.sites.container.names import Names
from situs.sites.container.site import ContainerSite
from tests.sites.container_conformance import ContainerConformance
from tests.sites.container_engine import IMAGE, ContainerEngine, serve_images
from tests.sites.started import started_engine

pytestmark = pytest.mark.slow

KEY = Key("job", 1)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerEngine]:
    with started_engine(tmp_path_factory.mktemp("docker")) as engine:
        yield engine


@pytest.fixture
def registry(engine: ContainerEngine, tmp_path: Path) -> Iterator[str]:
    """The address of a registry of images."""
    with serve_images(tmp_path / "registry") as address:
        yield address


class TestContainer(ContainerConformance, AcceleratorConformance):
    """An engine of this machine."""

    @pytest.fixture
    def options(self, engine: ContainerEngine, tmp_path: Path) -> Iterator[ContainerOptions]:
        mounts = (*engine.python_mounts, f"{tmp_path}:{tmp_path}")
        yield ContainerOptions(str(tmp_path), engine.socket, IMAGE, network="none", mounts=mounts)
        engine.clear()

    @pytest.fixture
    def open_site(self, options: ContainerOptions) -> Opener:
        return lambda: ContainerSite(options)

    @pytest.fixture
    def open_accelerated(self, options: ContainerOptions) -> Opener:
        return lambda: ContainerSite(replace(options, simulated={"H100": 2}))

    def test_those_of_a_run_that_is_forgotten_or_never_came_to_a_container_are_free_again(
        self, options: ContainerOptions
    ) -> None:
        site = ContainerSite(replace(options, simulated={"H100": 2}))
        for generation in range(1, 4):
            key = Key("job", generation)
            site.start(Task(key, python("pass"), accelerators=2))
            assert ended(site, key).succeeded
            site.forget(key)
        engine = Engine(options.socket)
        names = Names(options.name)
        late = Desk(engine, names, Kept(engine, names), {}, {"H100": 2}, lambda: time.time() + 2 * PENDING_S)
        soon = Desk(engine, names, Kept(engine, names), {}, {"H100": 2}, time.time)
        given = soon.take(Key("lost", 1), 2)
        with pytest.raises(Full):
            soon.take(Key("job", 9), 1)
        assert soon.take(Key("lost", 1), 2) == given
        assert late.take(Key("job", 9), 1).simulated == (0,)
        assert not soon.has(Key("lost", 1), given)
        there = engine.get("/volumes", filters={"label": ["situs.role=accelerator"]})["Volumes"]
        assert len(there) == 2, "what has passed is cleared away"

    def test_real_ones_are_asked_for_by_number_or_by_name(
        self, engine: ContainerEngine, options: ContainerOptions
    ) -> None:
        by_number, by_name = Accelerators((0, 2)), Accelerators((1,), by_name=True)
        assert by_number.requests == [
            {"Driver": "nvidia", "DeviceIDs": ["0", "2"], "Capabilities": [["gpu"]]}
        ]
        assert by_name.requests == [{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=1"]}]
        assert by_number.env == {"SITUS_ACCELERATORS": "0,2"}, "inside they have other numbers"
        # This engine has no driver for them, and says so instead of running without.
        site = ContainerSite(replace(options, accelerators={"H100": 4}))
        assert site.inventory().accelerators == {"H100": 4}
        with pytest.raises(SitusError, match="device driver"):
            site.start(Task(KEY, python("pass"), accelerators=1))
        assert site.status(KEY).state == "absent"

    # What only engines have

    def test_an_image_brings_what_the_run_needs(
        self, engine: ContainerEngine, options: ContainerOptions
    ) -> None:
        site = ContainerSite(replace(options, mounts=(), image=None))
        with pytest.raises(SitusError, match="names no image"):
            site.start(Task(KEY, ("sh", "-c", "true")))
        site.start(Task(KEY, ("sh", "-c", "ls /; id -u; echo $HOME"), image=IMAGE))
        assert ended(site, KEY).succeeded
        words = site.logs(KEY)[0].decode().split()
        assert {"bin", "situs", "0", "/situs"} <= set(words)
        assert "home" not in words

    def test_an_image_that_runs_as_another_user_can_write_its_folder(
        self, engine: ContainerEngine, options: ContainerOptions, tmp_path: Path
    ) -> None:
        with engine.client() as client:
            made = client.post(
                "/containers/create", json={"Image": IMAGE, "User": "1234", "Cmd": ["sh"]}
            ).json()["Id"]
            query = {"container": made, "repo": "situs-test", "tag": "user"}
            client.post("/commit", params=query, json={"User": "1234"}).raise_for_status()
        site = ContainerSite(replace(options, mounts=()))
        source = tmp_path / "source"
        source.write_text("in")
        site.put(KEY, source, "deep/in")
        show = ("sh", "-c", 'id -u; cat deep/in; echo out >out; echo "$PASS"; cat /situs-secrets/env')
        site.start(Task(KEY, show, image="situs-test:user", secrets={"PASS": "it's one"}))
        assert ended(site, KEY).succeeded, site.logs(KEY)
        assert site.logs(KEY)[0] == b"1234\ninit's one\n"
        site.get(KEY, "out", tmp_path / "out")
        assert (tmp_path / "out").read_text() == "out\n"

    def test_an_image_without_a_shell_is_told_of_and_keeps_no_secret(
        self, engine: ContainerEngine, options: ContainerOptions
    ) -> None:
        provide_empty_image(Engine(options.socket))
        site = ContainerSite(replace(options, mounts=()))
        task = Task(KEY, ("/tool",), image=EMPTY, secrets={"PASS": "canary-in-no-shell"})
        with pytest.raises(SitusError, match="/bin/sh"):
            site.start(task)
        assert site.status(KEY).state == "absent"
        found = subprocess.run(
            ["grep", "-rlF", "canary-in-no-shell", str(engine.folder)], capture_output=True, text=True
        )
        assert found.stdout == ""

    @pytest.mark.slow
    def test_images_are_pulled_as_the_policy_says(
        self, engine: ContainerEngine, options: ContainerOptions, registry: str
    ) -> None:
        image = f"{registry}/team/tool"
        with engine.client() as client:
            client.post(f"/images/{IMAGE}/tag", params={"repo": image, "tag": "latest"}).raise_for_status()
            said = client.post(
                f"/images/{image}/push", headers={"X-Registry-Auth": "e30="}, params={"tag": "latest"}
            )
            assert "error" not in said.text, said.text
            client.delete(f"/images/{image}:latest").raise_for_status()
        with pytest.raises(SitusError, match="pull: never"):
            ContainerSite(replace(options, pull="never")).start(Task(KEY, ("true",), image=image))
        site = ContainerSite(replace(options, mounts=()))
        site.start(Task(KEY, ("sh", "-c", "echo pulled"), image=image))
        assert ended(site, KEY).succeeded
        assert site.logs(KEY)[0] == b"pulled\n"
        with pytest.raises(SitusError, match=r"nothing-here.* cannot be pulled|refuses it.*nothing-here"):
            site.start(Task(Key("other", 1), ("true",), image=f"{registry}/nothing-here"))
        assert site.status(Key("other", 1)).state == "absent"

    def test_a_start_that_was_on_its_way_for_long_starts_nothing(
        self, site: ContainerSite, engine: ContainerEngine, tmp_path: Path
    ) -> None:
        count = tmp_path / "count"
        site.start(Task(KEY, python(f"open({str(count)!r}, 'a').write('x')")))
        ended(site, KEY)
        with engine.client() as client:
            (name,) = [c["Names"][0] for c in client.get("/containers/json", params={"all": "1"}).json()]
            earlier = name.removesuffix("-1") + "-0"
            assert client.post(f"/containers{earlier}/start").status_code == 404
        assert count.read_text() == "x"

    def test_another_container_for_the_same_run_is_never_started(
        self, site: ContainerSite, engine: ContainerEngine, tmp_path: Path
    ) -> None:
        """As one leaves it behind who was killed when it found that somebody else had been faster."""
        count = tmp_path / "count"
        task = Task(KEY, python(f"open({str(count)!r}, 'a').write('x')"))
        site.start(task)
        status = ended(site, KEY)
        with engine.client() as client:
            (first,) = client.get("/containers/json", params={"all": "1"}).json()
            body = {"Image": IMAGE, "Cmd": ["false"], "Labels": first["Labels"]}
            query = {"name": first["Names"][0].lstrip("/").removesuffix("-1") + "-0"}
            client.post("/containers/create", params=query, json=body).raise_for_status()
        site.start(task)
        assert site.status(KEY) == status
        assert count.read_text() == "x"
        site.forget(KEY)
        assert site.known() == []
        with engine.client() as client:
            assert client.get("/containers/json", params={"all": "1"}).json() == []

    def test_sites_that_share_an_engine_do_not_see_each_other(
        self, site: ContainerSite, options: ContainerOptions
    ) -> None:
        other = ContainerSite(replace(options, name="another"))
        site.start(Task(Key("job", 7), python("pass")))
        other.start(Task(KEY, python("pass")))
        assert (site.known(), other.known()) == ([Key("job", 7)], [KEY])
        assert ended(other, KEY).succeeded

    def test_what_the_sites_people_stop_was_cancelled(
        self, site: ContainerSite, engine: ContainerEngine
    ) -> None:
        site.start(Task(KEY, python("import time; time.sleep(600)")))
        with engine.client() as client:
            (container,) = client.get("/containers/json").json()
            client.post(f"/containers/{container['Id']}/stop", params={"t": "5"}).raise_for_status()
        status = ended(site, KEY)
        assert (status.reason, status.succeeded) == ("cancelled", False)
        assert "not by situs" in (status.detail or "")

    def test_a_container_that_somebody_removed_is_lost_and_not_started_again(
        self, site: ContainerSite, engine: ContainerEngine, tmp_path: Path
    ) -> None:
        count = tmp_path / "count"
        task = Task(KEY, python(f"open({str(count)!r}, 'a').write('x'); open('model', 'w').write('m')"))
        site.start(task)
        ended(site, KEY)
        with engine.client() as client:
            client.post("/containers/prune").raise_for_status()
        assert site.status(KEY).reason == "lost"
        site.start(task)
        assert site.status(KEY).reason == "lost"
        assert count.read_text() == "x"
        assert site.known() == [KEY]
        site.get(KEY, "model", tmp_path / "model")
        assert (tmp_path / "model").read_text() == "m", "its folder outlives it"
        with pytest.raises(StaleGeneration):
            site.fence(Key("job", 0))
        site.forget(KEY)
        assert site.status(KEY).state == "absent"

    @pytest.mark.slow
    def test_when_the_engine_dies_nothing_runs_twice(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        engine = ContainerEngine(tmp_path_factory.mktemp("docker"))
        count = tmp_path / "count"
        options = ContainerOptions(
            "site",
            engine.socket,
            IMAGE,
            network="none",
            mounts=(*engine.python_mounts, f"{tmp_path}:{tmp_path}"),
        )
        site = ContainerSite(options)
        health = site.health()
        assert not health.ok
        assert "start the engine" in (health.next_step or "")
        try:
            engine.start()
            engine.load_image()
            text = (
                f"open({str(count)!r}, 'a').write('x'); import time; print('x', flush=True); time.sleep(600)"
            )
            task = Task(KEY, python(text))
            site.start(task)
            until(lambda: site.logs(KEY)[0], "it runs")
            engine.kill()
            with pytest.raises(Unreachable):
                site.status(KEY)
            engine.start()
            site.start(task)
            # An engine ends on its return what it left behind; so does whoever started it, if it did not.
            status = site.stop(KEY, grace_s=1)
            assert status.state == "ended"
            assert not status.succeeded
            site.start(task)
            assert site.status(KEY) == status
            assert count.read_text() == "x"
        finally:
            engine.stop()


@pytest.mark.parametrize("wrong", [{"pull": "often"}, {"mounts": ("data",)}, {"mounts": ("/a:/b:rw",)}])
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SitusError, match="container: "):
        ContainerOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_names_that_no_environment_can_hold_are_refused(name: str) -> None:
    with pytest.raises(SitusError, match="cannot be set"):
        creation(Task(KEY, ("true",), {name: "x"}), ContainerOptions(), IMAGE, "volume", {})


@given(blocks=st.lists(st.binary(max_size=40), max_size=8), cut=st.integers(1, 7), skip=st.integers(0, 60))
def test_output_is_the_same_however_it_is_cut(blocks: list[bytes], cut: int, skip: int) -> None:
    framed = b"".join(bytes([1, 0, 0, 0]) + len(block).to_bytes(4, "big") + block for block in blocks)
    pieces = [framed[i : i + cut] for i in range(0, len(framed), cut)]
    assert unframed(iter(pieces), skip) == b"".join(blocks)[skip:]
