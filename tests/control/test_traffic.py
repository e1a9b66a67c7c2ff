"""Who gets requests, and that nobody who asks notices a move."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.serving.story import moved
from situs.control.reconcile import diff
from situs.control.traffic.fronts import Front, fronts, host_and_port
from situs.control.traffic.haproxy import Haproxy, NoProxy, left_behind
from situs.control.traffic.router import Router
from situs.control.wanted import USUAL_CHECK, Place, Sight, Step, Unit, Waiting, Wanted, World
from situs.sites.adapter import Key, Status
from situs.store.runs import Run
from tests.control.plane import until
from tests.control.ports import free_port

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
needs_haproxy = pytest.mark.skipif(
    shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None,
    reason="needs the Debian package haproxy",
)


def want(unit: int, site: str) -> Wanted:
    return Wanted(
        Unit("web", unit), Place(site, "p", "d"), "s", service=True, health="/ready", rolling=True,
        listen="127.0.0.1:8080", drain_s=5.0,
    )  # fmt: skip


def run(unit: int, site: str, ready: bool = True, phase: str = "placed") -> Run:
    address = f"http://127.0.0.1:{4000 + unit}"
    return Run(
        "web", unit, 1, site, "p", "d", "s", None, phase, NOW, NOW, ready_at=NOW if ready else None, address=address  # type: ignore[arg-type]
    )  # fmt: skip


def served(proxy: Haproxy) -> bool:
    """Whether the first of them gets requests."""
    try:
        return any(address.endswith(":4001") for address in proxy.connections("web"))
    except NoProxy:
        return False


def free() -> str:
    return f"127.0.0.1:{free_port()}"


class TestFronts:
    def test_those_that_are_ready_get_requests_and_no_others(self) -> None:
        runs = {
            Unit("web", 0): [run(0, "a")],
            Unit("web", 1): [run(1, "a", ready=False)],
            Unit("web", 2): [run(2, "a", phase="leaving")],
        }
        found = fronts({unit: want(unit.number, "a") for unit in runs}, runs, ())
        assert found["web"].into == {Key("web", 1, 0): "127.0.0.1:4000"}
        assert not found["web"].out

    def test_while_units_of_an_older_version_go_on_their_health_check_counts(self) -> None:
        runs = {Unit("web", 0): [run(0, "a")], Unit("web", 1): [run(1, "a")]}
        old, new = replace(want(0, "a"), plan="before"), replace(want(1, "a"), health="/healthz")
        for wanted in ({old.unit: old, new.unit: new}, {new.unit: new, old.unit: old}):
            assert fronts(wanted, runs, ())["web"].health == "/ready"
        assert fronts({new.unit: new}, runs, ())["web"].health == "/healthz"

    def test_an_old_one_goes_on_until_its_successor_serves_and_then_gets_no_more(self) -> None:
        runs = {Unit("web", 0): [run(0, "a")], Unit("web", 1): [run(1, "b")]}
        wanted = {Unit("web", 1): want(1, "b")}
        before = fronts(wanted, runs, {"web"})["web"]
        assert set(before.into) == {Key("web", 1, 0), Key("web", 1, 1)}
        after = fronts(wanted, runs, ())["web"]
        assert (set(after.into), set(after.out)) == ({Key("web", 1, 1)}, {Key("web", 1, 0)})

    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            ("http://10.0.0.1:80", "10.0.0.1:80"), ("http://box.example:8000/", "box.example:8000"),
            ("http://[fe80::1]:80", "[fe80::1]:80"), ("https://x:1", None), ("http://x:70000", None),
            ("http://x:1 backup", None), ("hello", None), ("", None), (None, None),
        ],
    )  # fmt: skip
    def test_an_address_is_what_it_looks_like_or_nothing(self, said: str | None, meant: str | None) -> None:
        assert host_and_port(said) == meant


class TestEnding:
    def test_one_that_still_answers_is_not_ended(self) -> None:
        runs = {Unit("web", 0): [run(0, "a")], Unit("web", 1): [run(1, "b")]}
        sights = {
            site: Sight(site, NOW, True, {Key("web", 1, k): Status("running")})
            for k, site in enumerate(("a", "b"))
        }
        wanted = {Unit("web", 1): want(1, "b")}
        busy = diff(wanted, runs, World(NOW, sights, undrained=frozenset({Key("web", 1, 0)})))
        assert isinstance(busy[Unit("web", 0)], Waiting)
        idle = diff(wanted, runs, World(NOW, sights))
        assert isinstance(step := idle[Unit("web", 0)], Step) and step.kind == "leave"


@needs_haproxy
class TestHaproxy:
    def test_it_is_left_running_and_found_again(self, tmp_path: Path) -> None:
        front = Front(free(), "/ready", USUAL_CHECK, {Key("web", 1): "127.0.0.1:4000"}, {}, 1.0)
        first = Haproxy(tmp_path)
        try:
            first.apply({"web": front})
            assert left_behind(tmp_path)
            again = Haproxy(tmp_path)
            assert "127.0.0.1:4000" in again.connections("web")
            again.apply({"web": front, "other": replace(front, listen=free())})
            assert "127.0.0.1:4000" in again.connections("other")
            again.apply({})
            assert not left_behind(tmp_path)
            with pytest.raises(NoProxy):
                again.connections("web")
        finally:
            first.stop()

    def test_a_server_keeps_its_slot_however_often_it_is_asked_for(self, tmp_path: Path) -> None:
        proxy = Haproxy(tmp_path)
        into = {Key("web", 1, 0): "127.0.0.1:4001", Key("web", 1, 1): "[::1]:4002"}
        front = Front(free(), "/", USUAL_CHECK, into, {}, 1.0)
        try:
            for _ in range(5):
                proxy.apply({"web": front})
            used = [address for address in proxy.connections("web") if not address.endswith(":1")]
            assert sorted(used) == ["127.0.0.1:4001", "[::1]:4002"]
        finally:
            proxy.stop()

    def test_names_are_reached_and_who_is_not_known_is_told_of(self, tmp_path: Path) -> None:
        said: list[str] = []
        proxy = Haproxy(tmp_path)
        here, gone = Key("web", 1, 0), Key("web", 1, 1)
        router = Router(proxy, lambda _: None, said.append)
        try:
            router.want(
                {
                    "web": Front(
                        free(), "/", USUAL_CHECK, {here: "localhost:4001", gone: "no.invalid:4002"}, {}, 1.0
                    )
                }
            )
            until(lambda: said and served(proxy), "the one that is known gets requests")
            assert "no.invalid" in said[0]
        finally:
            router.stop()
            proxy.stop()

    def test_a_port_that_is_taken_is_told(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            front = Front(f"127.0.0.1:{taken.getsockname()[1]}", "/ready", USUAL_CHECK, {}, {}, 1.0)
            with pytest.raises(NoProxy, match="does not start"):
                Haproxy(tmp_path).apply({"web": front})


def test_without_haproxy_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("situs.control.traffic.haproxy.shutil.which", lambda *_, **__: None)
    with pytest.raises(NoProxy, match="apt-get install haproxy"):
        Haproxy(tmp_path).apply({"web": Front("127.0.0.1:0", "/ready", USUAL_CHECK, {}, {}, 1.0)})


@needs_haproxy
@pytest.mark.slow
def test_nobody_who_asks_notices_a_move_nor_that_the_control_plane_was_killed_in_it(tmp_path: Path) -> None:
    found = moved(tmp_path / "plane", 2)
    assert found.requests > 50
    assert found.failed == 0, found.how
