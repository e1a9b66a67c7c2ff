"""Services that turn sick after they were ready: out of the traffic, told, started anew, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from bench.crash.kill import control_plane, kill
from bench.serving.load import asking
from situs.control import views
from situs.control.connect import by_kind
from situs.control.doubts import Doubts
from situs.control.metrics import Metrics
from situs.control.outcome import Result, after
from situs.control.reconcile import diff
from situs.control.target import Standing, taken_over
from situs.control.traffic.haproxy import Haproxy
from situs.control.unhealthy import restarting
from situs.control.wanted import Place, Sight, Step, Unit, Waiting, Wanted, World
from situs.intent import loads
from situs.model.estate import Site
from situs.model.workload import HealthCheck
from situs.sites.adapter import Adapter, Health, Key, Status
from situs.sites.local import LocalSite
from situs.store import events, observations
from situs.store.runs import Run
from tests.control.plane import Plane, estate, until
from tests.control.ports import free_port
from tests.control.test_rolling import assignments
from tests.control.test_traffic import needs_haproxy
from tests.store.databases import migrated

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
UNIT, KEY = Unit("web", 0), Key("web", 1, 0)
CHECK = {"period": "1s", "timeout": "0.5s", "failures": 2}


def moody(
    tmp_path: Path, mood: str = "well", listen: str | None = None, retries: int = 3, **check: Any
) -> Plane:
    """A service of two units whose health this test decides."""
    folder = tmp_path / "moods"
    folder.mkdir()
    (folder / "mood").write_text(mood)
    run = {
        "command": ["python", "-S", "moody.py", str(folder)], "files": ["moody.py"], "health": "/ready",
        "health_check": {**CHECK, **check}, "grace": "1s", "retries": retries,
    }  # fmt: skip
    service = {"requests_per_s": 1, **({"listen": listen} if listen else {})}
    web = {"stage": "serve", "service": service, "run": run}
    there = Plane(migrated(tmp_path / "control.db"), tmp_path / "situs", estate({"web": web}))
    program = files("tests.control").joinpath("moody.py").read_bytes()
    there.apply({"web": [("a", "box", 2)]}, {"moody.py": program})
    return there


def feel(tmp_path: Path, mood: str, unit: int | None = None) -> None:
    (tmp_path / "moods" / ("mood" if unit is None else f"mood-{unit}")).write_text(mood)


def unit(there: Plane, number: int) -> Run:
    """Its newest run."""
    return [run for run in there.runs("web") if run.unit == number][-1]


def is_well(there: Plane, number: int) -> bool:
    known = [run for run in there.runs("web") if run.unit == number]
    return bool(known) and known[-1].phase == "placed" and known[-1].is_ready


def told(there: Plane, kind: str) -> list[str]:
    with there.database.read() as connection:
        return [event.text for event in events.of_workload(connection, "web") if event.kind == kind]


def shown(there: Plane, number: int) -> views.UnitView:
    return next(u for u in views.overview(there.database).units if (u.workload, u.unit) == ("web", number))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def end(tmp_path: Path) -> Iterator[list[Plane]]:
    """Planes that are cleared away."""
    there: list[Plane] = []
    yield there
    for one in there:
        Haproxy(one.folder).stop()
        one.end_all()
        one.database.close()


@needs_haproxy
@pytest.mark.slow
def test_one_that_turns_sick_gets_no_requests_while_another_is_well_until_it_is_well_again(
    tmp_path: Path, port: int, end: list[Plane]
) -> None:
    there = moody(tmp_path, listen=f"127.0.0.1:{port}")
    end.append(there)
    with there.leading():
        until(lambda: is_well(there, 0) and is_well(there, 1), "both serve")
        until(lambda: both_answer(port), "both get requests")
        feel(tmp_path, "sick", 0)
        until(lambda: unit(there, 0).unhealthy_at, "it is known to be unhealthy")
        view = shown(there, 0)
        assert view.standing == "unhealthy"
        assert "/ready answers 503" in str(view.cause)
        assert "no requests until it answers" in str(view.next_step)
        assert (
            'situs_units{site="a",state="unhealthy"} 1.0'
            in generate_latest(Metrics(there.database).registry).decode()
        )
        until(lambda: not is_used(there, 0), "the proxy knows")
        with asking("127.0.0.1", port, 3, 3) as asked:
            until(lambda: asked.answered.total() > 300, "requests are answered")
        assert asked.failed == []
        assert set(asked.answered) == {"1"}
        feel(tmp_path, "well", 0)
        until(lambda: is_well(there, 0), "it is well again")
        until(lambda: both_answer(port), "it gets requests again")
    assert len(told(there, "unhealthy")) == len(told(there, "healthy")) == 1
    assert "503" in told(there, "unhealthy")[0]
    assert {run.generation for run in there.runs("web")} == {1}, "none was started anew"


def both_answer(port: int) -> bool:
    with asking("127.0.0.1", port, 0, 2) as asked:
        until(lambda: asked.answered.total() + len(asked.failed) > 20, "they answer")
    return set(asked.answered) == {"0", "1"}


def is_used(there: Plane, number: int) -> bool:
    """Whether the proxy passes new requests to a unit, by its own word."""
    address = str(unit(there, number).address).removeprefix("http://")
    return any(found == (address, "ready") for found in Haproxy(there.folder).slots("web").values())


@pytest.mark.slow
def test_one_that_hangs_is_started_anew_by_whoever_leads_then(tmp_path: Path, end: list[Plane]) -> None:
    there = moody(tmp_path, restart_after="3s")
    end.append(there)
    url = f"sqlite:///{tmp_path / 'control.db'}"
    with control_plane(url, there.folder) as first:
        until(lambda: is_well(there, 0) and is_well(there, 1), "both serve")
        feel(tmp_path, "hang", 0)
        until(lambda: unit(there, 0).unhealthy_at, "it is known to be unhealthy")
        kill(first)
    since = unit(there, 0).unhealthy_at
    assert unit(there, 0).phase == "placed" and since is not None
    with control_plane(url, there.folder):
        until(lambda: unit(there, 0).reason == "unhealthy", "it is ended, to be started anew")
        ill = unit(there, 0)
        assert ill.unhealthy_at == since, "its time went on while nobody led"
        feel(tmp_path, "well", 0)
        until(lambda: unit(there, 0).generation == 2 and is_well(there, 0), "it is well again")
    ended = next(run for run in there.runs("web") if (run.unit, run.generation) == (0, 1))
    assert (ended.outcome, ended.reason, ended.failures) == ("failed", "unhealthy", 1)
    assert unit(there, 1).generation == 1, "the other one was left alone"
    [said] = told(there, "restarted")
    assert "does not answer within 0.5 s" in said


@pytest.mark.slow
def test_starting_anew_again_and_again_comes_to_an_end_that_is_told(tmp_path: Path, end: list[Plane]) -> None:
    there = moody(tmp_path, mood="first", retries=1, restart_after="1s")
    end.append(there)
    with there.leading():
        until(lambda: there.last("web"), "it is placed")
        until(lambda: unit(there, 0).generation == 2 and unit(there, 0).unhealthy_at, "started anew in vain")
        until(lambda: "starting it anew did not help, 1 time" in str(shown(there, 0).cause), "it is held")
        assert shown(there, 0).standing == "unhealthy"
        assert "read its output" in str(shown(there, 0).next_step)
        until(lambda: any("did not help" in text for text in told(there, "waiting")), "history tells it")
        assert unit(there, 0).phase == "placed", "it is left as it is"
        feel(tmp_path, "well")
        until(lambda: is_well(there, 0), "it may still become well by itself")
    assert unit(there, 0).generation == 2


class CutOff(LocalSite):
    """A local site whose line is cut when a test says so."""

    cut = False

    def health(self) -> Health:
        return Health(False, "the line is cut", "mend it") if self.cut else super().health()


@pytest.mark.slow
def test_a_line_that_is_cut_is_not_unhealthiness(tmp_path: Path, end: list[Plane]) -> None:
    there = moody(tmp_path)
    end.append(there)
    usual = by_kind(there.folder)
    cut_off = CutOff(there.folder / "sites" / "a" / "runs")

    def connect(name: str, site: Site) -> Adapter:
        return cut_off if name == "a" else usual(name, site)

    def answers() -> bool:
        with there.database.read() as connection:
            return observations.all_sites(connection)["a"].ok

    def asked() -> int:
        return (tmp_path / "moods" / "asked-0").stat().st_size

    with there.leading(connect=connect):
        until(lambda: is_well(there, 0) and is_well(there, 1), "both serve")
        cut_off.cut = True
        until(lambda: not answers(), "the site does not answer")
        feel(tmp_path, "hang")
        before = asked()
        until(lambda: asked() > before + 4, "it fails more often than it may")
        assert shown(there, 0).standing == "unknown"
        feel(tmp_path, "well")
        cut_off.cut = False
        until(answers, "the site answers again")
        before = asked()
        until(lambda: asked() > before + 1, "it is asked again")
        assert is_well(there, 0) and is_well(there, 1)
    assert told(there, "unhealthy") == []


class TestDoubts:
    at = NOW

    def sight(self, seconds: float, ok: bool = True) -> Sight:
        return Sight("a", NOW + timedelta(seconds=seconds), ok)

    def fails(self, doubts: Doubts, seconds: float) -> bool:
        return doubts.failed(KEY, "a", NOW + timedelta(seconds=seconds))

    def test_it_is_sure_once_the_site_answered_after_it_failed_and_it_fails_again(self) -> None:
        doubts = Doubts()
        assert not self.fails(doubts, 1)
        assert doubts.looked(self.sight(0.5), NOW + timedelta(seconds=2)) == ([], [])
        assert not self.fails(doubts, 3), "a look that began before it failed says nothing"
        assert doubts.looked(self.sight(3.5), NOW + timedelta(seconds=5)) == ([KEY], [])
        assert not self.fails(doubts, 4), (
            "it was asked before the answer of the site was in: the line may be back"
        )
        assert self.fails(doubts, 5.5)
        assert doubts.sure == {KEY}

    def test_a_site_that_does_not_answer_takes_everything_back(self) -> None:
        doubts = Doubts()
        self.fails(doubts, 1)
        assert doubts.looked(self.sight(2, ok=False), NOW) == ([], [KEY])
        assert not self.fails(doubts, 3)
        doubts.looked(self.sight(4), NOW + timedelta(seconds=4))
        assert self.fails(doubts, 5)
        assert doubts.looked(self.sight(6, ok=False), NOW) == ([], [KEY])
        assert not doubts.sure
        assert doubts.was_cut_off(KEY)
        assert not doubts.was_cut_off(KEY)

    def test_an_answer_settles_it(self) -> None:
        doubts = Doubts()
        self.fails(doubts, 1)
        doubts.looked(self.sight(2), NOW + timedelta(seconds=2))
        doubts.answered(KEY)
        assert not self.fails(doubts, 3)


class TestDeciding:
    want = Wanted(
        UNIT, Place("a", "p", "d"), "s", service=True, health="/ready", check=HealthCheck(restart_after=60.0),
        retries=2,
    )  # fmt: skip
    ill = Run(
        "web", 0, 1, "a", "p", "d", "s", None, "placed", NOW, NOW, ready_at=NOW, address="http://127.0.0.1:1",
        unhealthy_at=NOW, cause="/ready answers 503",
    )  # fmt: skip

    def verdict(self, run: Run, after_s: float, failing: bool = True, **world: Any) -> Step | Waiting | None:
        now = NOW + timedelta(seconds=after_s)
        sights = {"a": Sight("a", now, world.pop("ok", True), {KEY: Status("running")})}
        failing_ones = frozenset({KEY} if failing else ())
        return diff({UNIT: self.want}, {UNIT: [run]}, World(now, sights, failing=failing_ones, **world))[UNIT]

    def test_it_is_started_anew_when_its_time_is_over(self) -> None:
        early = self.verdict(self.ill, 59)
        assert isinstance(early, Waiting) and early.until == NOW + timedelta(seconds=60)
        late = self.verdict(self.ill, 60)
        assert isinstance(late, Step) and late.kind == "restart"

    def test_not_while_nobody_has_seen_it_fail_nor_while_its_site_is_away(self) -> None:
        assert isinstance(self.verdict(self.ill, 90, failing=False), Waiting)
        assert isinstance(self.verdict(self.ill, 90, ok=False), Waiting)

    def test_not_where_it_could_not_begin_again(self) -> None:
        found = self.verdict(self.ill, 90, drained=frozenset({"a"}))
        assert isinstance(found, Waiting) and "drained" in found.cause

    def test_not_more_often_than_it_may_unless_it_was_well_for_long(self) -> None:
        often = replace(self.ill, failures=2)
        found = self.verdict(often, 90)
        assert isinstance(found, Waiting) and "did not help, 2 times" in found.cause and found.until is None
        after_long = replace(often, ready_at=NOW - timedelta(hours=1))
        assert isinstance(self.verdict(after_long, 90), Step)

    def test_with_the_back_off_that_there_is(self) -> None:
        ending, step = restarting(self.ill, "it is unhealthy"), Step("stop", KEY, "a", "")
        status = Status("ended", exit_code=0, reason="stopped")
        over = after(step, ending, Result(status), self.want, NOW)
        assert (over.outcome, over.reason, over.failures) == ("failed", "unhealthy", 1)
        sights = {"a": Sight("a", NOW, True)}
        found = diff({UNIT: self.want}, {UNIT: [over]}, World(NOW, sights))[UNIT]
        # What is kept of it is not needed any more, or it waits for its time.
        over = replace(over, phase="released")
        found = diff({UNIT: self.want}, {UNIT: [over]}, World(NOW, sights))[UNIT]
        assert isinstance(found, Waiting) and found.until is not None and found.until > NOW
        found = diff({UNIT: self.want}, {UNIT: [over]}, World(found.until, sights))[UNIT]
        assert isinstance(found, Step) and (found.kind, found.key) == ("place", Key("web", 2, 0))

    def test_its_number_is_kept_for_it_and_its_place_not_taken_from_one_that_runs(self) -> None:
        place, ending = Place("a", "p", "d"), restarting(self.ill, "it is unhealthy")
        other = replace(self.ill, unit=1)
        there = {
            UNIT: Standing(place, ending.phase, ending), Unit("web", 1): Standing(place, other.phase, other),
        }  # fmt: skip
        assert set(taken_over("web", assignments({"a": 2}), there)) == set(there)
        assert set(taken_over("web", assignments({"a": 1}), there)) == {Unit("web", 1)}


def test_changing_how_health_is_asked_for_starts_nothing_anew(tmp_path: Path) -> None:
    plain = {"stage": "serve", "service": {"requests_per_s": 1}, "run": {"command": ["x"], "health": "/h"}}
    asked = {**plain, "run": {**plain["run"], "health_check": {"period": "1min"}}}  # type: ignore[dict-item]
    from situs.control.target import spec_of

    first, second = (estate({"web": w}).workloads["web"] for w in (plain, asked))
    assert spec_of(first, first.shapes[0], {}) == spec_of(second, second.shapes[0], {})


@pytest.mark.parametrize(
    ("check", "wrong"),
    [({"period": "0.1s"}, "period"), ({"failures": 0}, "failures"), ({"every": "1s"}, "every")],
)
def test_what_is_wrong_is_named(check: dict[str, Any], wrong: str) -> None:
    text = "workloads: {web: {stage: serve, service: {requests_per_s: 1}, run: {command: [x], health_check: %s}}}"
    with pytest.raises(Exception, match=wrong):
        loads(text % str(check).replace("'", ""))
