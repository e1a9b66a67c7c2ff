"""Planning again, with real files, the real planner and real sites."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from situs.cli.main import app
from situs.control import orders, views
from situs.control.estate_files import EstateFiles
from situs.control.pace import Pace
from situs.facts import load as load_facts
from situs.intent import load as load_intent
from situs.model.error import InputError
from situs.planner.decide import decide
from situs.store import plans, replans, runs
from situs.store.records import Records
from situs.store.replans import Replan
from situs.store.runs import Run
from tests.control.plane import PYTHON, Plane, until
from tests.store.databases import migrated

PACE = Pace(
    look_s=0.1, rest_s=0.2, poll_s=0.05, shown_s=0.2, lease_s=2.0, plan_s=0.05, settle_s=0.2
)  # fmt: skip
SITE = """
  {name}:
    kind: {kind}
    country: DE
    clearance: 4
    pools:
      box: {{node: {{cpu: 4, memory: 8GiB}}, limit: 2, price: {{basis: on_demand, price: {price} EUR/h}}}}
"""
LEAVE = "    automatic: {moves_per_day: 1, bill_per_day: 200 EUR, kinds: [on_prem]}\n"


def written(folder: Path, *, leave: str = LEAVE, count: int = 1, cheap: str = "0.10") -> Path:
    """Three sites, the first the cheapest, and a service that may move once a day."""
    folder.mkdir(exist_ok=True)
    sites = "".join(
        SITE.format(name=name, kind=kind, price=price)
        for name, kind, price in (("a", "on_prem", cheap), ("b", "on_prem", "0.20"), ("c", "public", "0.30"))
    )
    (folder / "sites.yaml").write_text("sites:" + sites)
    command = [*PYTHON, "import time; time.sleep(600)"]
    (folder / "work.yaml").write_text(
        "use_cases:\n  shop:\n    owner: ann\n    value: 900 EUR/month\n" + leave + "workloads:\n  web:\n"
        f"    stage: serve\n    use_case: shop\n    count: {count}\n    label: {{level: 0}}\n"
        "    shapes: [{cpu: 1, memory: 1GiB}]\n    service: {requests_per_s: 1}\n"
        f"    run: {{command: {command!r}}}\n"
    )
    return folder


class There(Plane):
    """The plan of the estate's files in force, and a control plane that watches them."""

    def __init__(self, tmp_path: Path, estate: Path) -> None:
        self.database = migrated(tmp_path / "control.db")
        super().__init__(self.database, tmp_path / "situs", load_intent(estate).intent)
        self.estate = estate
        at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
        plan = decide(self.intent, load_facts(), at).plan
        Records(estate).save(plan, self.intent, load_facts())
        orders.apply(self.database, plan, self.intent, load_facts(), {}, "ann")

    def site_of(self) -> str | None:
        with self.database.read() as connection:
            target = plans.in_force(connection)
            assert target
            decided = plans.load(connection, target.plan).plan.decision("web").assignments
        return decided[0].site if decided else None

    def last_word(self) -> Replan | None:
        with self.database.read() as connection:
            return replans.newest(connection)

    def waiting(self) -> Replan | None:
        with self.database.read() as connection:
            return views.proposed(connection)

    def plan_in_force(self) -> str:
        with self.database.read() as connection:
            target = plans.in_force(connection)
        assert target
        return target.plan

    def generation(self) -> int:
        with self.database.read() as connection:
            return plans.generation_in_force(connection)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[There]:
    made = There(tmp_path, written(tmp_path / "estate"))
    yield made
    made.end_all()
    made.database.close()


def test_a_drained_site_is_left_by_itself_where_leave_is_given_and_only_so_often(there: There) -> None:
    with there.leading(PACE, EstateFiles(there.estate)):
        until(lambda: there.is_at("web", "a"), "it runs where it is cheapest")
        orders.drain(there.database, "a", "bob")
        until(lambda: there.is_at("web", "b"), "it has moved by itself")
        found = there.last_word()
        assert found and found.plan and not found.waits_for and found.cause == "a is drained by bob"
        assert Records(there.estate).latest() == found.plan, "a plan by hand follows it"
        orders.drain(there.database, "b", "bob")
        until(lambda: there.waiting(), "a second move within the day waits, and so does the public cloud")
        waiting = there.waiting()
        assert waiting and [b["code"] for b in waiting.waits_for] == ["kind", "moves", "bill"]
        assert there.site_of() == "b"
        orders.approve(there.database, "ann")
        until(lambda: there.is_at("web", "c"), "it has moved with approval")
        assert there.waiting() is None


def test_what_people_edit_waits_for_approval_and_is_asked_once(there: There) -> None:
    with there.leading(PACE, EstateFiles(there.estate)):
        until(lambda: there.is_at("web", "a"), "it runs")
        written(there.estate, count=2, leave=LEAVE.replace("moves_per_day: 1", "moves_per_day: 99"))
        until(lambda: there.waiting(), "it waits")
        first = there.waiting()
        assert first and [b["code"] for b in first.waits_for] == ["edited", "started"]
        assert there.generation() == 1
        with pytest.raises(InputError, match="does not wait"):
            orders.approve(there.database, "ann", plan="sha256:00")
        written(there.estate)
        until(lambda: there.waiting() is None, "what is as it was needs nobody")
        with pytest.raises(InputError, match="no plan waits"):
            orders.approve(there.database, "ann")


def test_files_that_are_wrong_change_nothing_and_are_told_of_once(there: There) -> None:
    with there.leading(PACE, EstateFiles(there.estate)):
        (there.estate / "more.yaml").write_text("workloads:\n  web2:\n    stage: serv\n")
        until(lambda: there.waiting(), "the trouble is told")
        told = there.waiting()
        assert told and told.plan is None and told.trouble and "more.yaml:3" in told.trouble
        (there.estate / "more.yaml").unlink()
        until(lambda: there.waiting() is None, "all is well again")
        assert there.generation() == 1
    with there.database.read() as connection:
        present = runs.present(connection)
    assert [run.workload for run in present] == ["web"]
    assert isinstance(present[0], Run)


def test_the_commands_tell_and_approve(there: There, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    def said(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(
            app, [*words, "-C", str(there.estate), "--db", str(there.database.url.database)]
        )
        assert result.exit_code == code, result.output
        return result.output

    assert "no plan waits" in said("proposed", code=1)
    with there.leading(PACE, EstateFiles(there.estate)):
        until(lambda: there.is_at("web", "a"), "it runs")
        written(there.estate, cheap="0.25")
        until(lambda: there.waiting(), "it waits")
        assert "waits for approval: the estate was edited" in said("ps")
        assert "the estate was edited" in said("proposed")
        assert "in force, as generation 2" in said("approve", "--by", "ann")
        until(lambda: there.is_at("web", "b"), "it has moved")
    assert Records(there.estate).latest() == there.plan_in_force()
