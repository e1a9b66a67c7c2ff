"""``import situs``: what the command line does, from Python."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

import situs
from situs.cli.main import app
from situs.client import choosing, login
from situs.control import background, connect, moving, orders, views
from situs.control.approval import verdicts
from situs.control.approval.proposing import Intake
from situs.control.attached import entered
from situs.control.data.bringing import bring
from situs.control.doctor.sites import sites as doctor_of_sites
from situs.control.loop import Controller
from situs.control.pipelines import handing_in
from situs.control.queues import standing
from situs.control.running import running
from situs.control.sessions.beginning import session_of
from situs.store import tokens
from situs.store.backup import backup

EXAMPLE = Path(__file__).parents[1] / "examples" / "clinic-group"

SMALL = """
settings: {at: 2026-11-23T08:00Z}
sites:
  here:
    kind: on_prem
    country: DE
    clearance: 2
    encryption: {at_rest: true, in_transit: true}
    electricity: {price: 0.30 EUR/kWh}
    pools:
      rack:
        node: {cpu: 8, memory: 32GiB}
        count: 1
        price: {basis: owned, price: 3000 EUR, life: 60 months, idle: 50W, busy: 200W}
  there:
    kind: public
    operator: aws
    country: DE
    operator_country: LU
    parent_country: US
    clearance: 2
    pools:
      general: {node: {cpu: 8, memory: 32GiB}, price: {basis: on_demand, price: 0.40 EUR/h}}
links:
  - {from: "*", to: "*", latency: 10ms, bandwidth: 1Gbit/s}
datasets:
  letters: {size_gb: 10, replicas: [here], label: {level: 1, jurisdictions: [EU]}}
workloads:
  read:
    stage: batch
    inputs: [{dataset: letters}]
    shapes: [{cpu: 4, memory: 8GiB}]
    job: {work: 2h, per_month: 30}
  count:
    stage: batch
    label: {level: 0}
    shapes: [{cpu: 4, memory: 8GiB}]
    job: {work: 1h, per_month: 30}
"""


@pytest.fixture
def estate() -> situs.Estate:
    return situs.read_estate(SMALL)


def test_every_exported_name_is_there() -> None:
    for name in situs.__all__:
        assert getattr(situs, name) is not None
        assert name in dir(situs)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'plann'"):
        situs.plann  # noqa: B018


def test_every_command_has_its_like_in_python() -> None:
    """A command that is added must be offered here too."""
    like = {
        "init": situs.write_first_estate, "validate": situs.open_estate, "schema": situs.schema,
        "plan": situs.Estate.plan, "explain": situs.Estate.explain, "whatif": situs.Estate.whatif,
        "compare": situs.Estate.compare, "pareto": situs.Estate.pareto, "posture": situs.Estate.posture,
        "usecases": situs.Estate.use_cases, "records": situs.Estate.records, "replay": situs.Estate.replay,
        "diff": situs.Estate.diff, "rules": situs.Estate.rules,
        "breakeven": situs.Estate.breakeven, "exit": situs.Estate.exits,
        "report": situs.Estate.report, "demo": situs.run_demo, "facts": situs.load_facts,
        "import": situs.import_skypilot,
        "apply": orders.apply, "rollback": orders.rollback, "pause": orders.pause, "resume": orders.resume,
        "move": moving.cancel,
        "drain": orders.drain, "ps": views.overview, "status": views.of_workload, "history": views.history_of,
        "up": Controller, "db": backup, "down": background.end, "run": situs.run, "logs": situs.Job.logs,
        "dev": session_of,
        "stop": situs.Job.stop, "rm": situs.Job.remove, "cp": situs.Job.copy, "ssh": entered, "top": running,
        "proposed": views.proposed, "approve": orders.approve,
        "propose": Intake.propose, "plans": verdicts.newest, "reject": verdicts.reject,
        "doctor": doctor_of_sites, "site": connect.by_kind,
        "queue": standing.read, "sweep": situs.sweep, "lost": orders.lose, "found": orders.find, "token": tokens.create,
        "data": bring,
        "pipeline": handing_in.submit, "login": login.described, "logout": login.ended, "whoami": choosing.chosen,
    }  # fmt: skip
    commands = {command.name for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    commands.remove("completion")  # is for shells
    assert commands | groups == set(like), "offer it on situs.Estate or in situs, and add it above"
    imports = next(group for group in app.registered_groups if group.name == "import").typer_instance
    assert imports is not None
    assert {f"import_{command.name}" for command in imports.registered_commands} <= set(situs.__all__)


def test_a_plan_is_proven_and_named(estate: situs.Estate) -> None:
    plan = estate.plan()
    assert isinstance(plan, situs.Plan)
    assert plan.id == plan.sealed().id
    assert plan.gap <= 1e-4
    assert {decision.workload for decision in plan.decisions} == {"read", "count"}
    assert {a.site for d in plan.decisions for a in d.assignments} == {"here"}


def test_wrong_input_raises_all_its_problems() -> None:
    with pytest.raises(situs.InputError) as raised:
        situs.read_estate("sites: {here: {kind: on_premm, country: Germany}}")
    assert len(raised.value.problems) == 2
    assert all(problem.at is not None for problem in raised.value.problems)


def test_why_not_names_the_rule_and_says_it_in_words(estate: situs.Estate) -> None:
    assert estate.explain("read").decision.assignments[0].site == "here"
    answer = estate.why_not("read", "there")
    assert answer.verdict == "refused"
    refusals = estate.refusals("read", "there")
    assert "jurisdiction-operator" in {refusal.rule for refusal in refusals}
    english, german = estate.say(refusals[0]), estate.say(refusals[0], "de")
    assert english.reason != german.reason
    parent = next(r for r in refusals if r.details.get("who") == "parent")
    assert estate.say(parent).reason.startswith("the parent of there (")
    assert estate.say(parent, "de").reason.startswith("die Muttergesellschaft des Betreibers von there (")
    assert english.fix


def test_an_offer_made_true_brings_the_workload_there(estate: situs.Estate) -> None:
    answer = estate.why_not("count", "there")
    assert estate.say(answer.reasons[0]).reason.startswith("the whole plan would cost")
    assert estate.say(answer.reasons[0], "de").reason.startswith("der ganze Plan kostete")
    offer = answer.offers[0]
    assert offer.checked
    changed = estate.changed(offer)
    assert {a.site for a in estate.plan().decision("count").assignments} == {"here"}
    assert {a.site for a in changed.plan().decision("count").assignments} == {"there"}
    assert estate.tell(answer).startswith("count is not at there: ")
    assert estate.tell(answer, "de").startswith("count ist nicht in there: ")
    assert estate.tell(changed.explain("count")).startswith("count runs at there/general, because")


def test_what_does_not_fit_together_is_told(estate: situs.Estate) -> None:
    assert estate.conflicts() == ()
    one_core = SMALL.replace(
        "node: {cpu: 8, memory: 32GiB}\n        count: 1", "node: {cpu: 4, memory: 9GiB}"
    )
    assert one_core != SMALL
    text = one_core.replace("job: {work: 2h, per_month: 30}", "service: {requests_per_s: 1}").replace(
        "        price: {basis: owned", "        count: 1\n        limit: 1\n        price: {basis: owned"
    )
    letters = (
        "inputs: [{dataset: letters}]\n    shapes: [{cpu: 4, memory: 8GiB}]\n    service: {requests_per_s: 1}"
    )
    assert letters in text
    crowded = situs.read_estate(text + f"  answer:\n    stage: serve\n    {letters}\n    priority: 3\n")
    (conflict,) = crowded.conflicts()
    assert conflict.workloads == ("answer", "read")
    assert crowded.explain(conflict.left_out).conflict == conflict
    assert "each fit, but not together" in crowded.tell(conflict)
    assert "passen einzeln" in crowded.tell(conflict, "de")


def test_switching_a_rule_off_lifts_it() -> None:
    open_one = situs.read_estate(SMALL, off=["jurisdiction-operator"])
    assert "jurisdiction-operator" in {
        refusal.rule for refusal in situs.read_estate(SMALL).refusals("read", "there")
    }
    assert "jurisdiction-operator" not in {r.rule for r in open_one.refusals("read", "there")}


def test_a_drill_makes_things_dearer_and_moves_them(estate: situs.Estate) -> None:
    dearer = estate.whatif(kwh="0.60 EUR")
    assert dearer.cost_per_month_after > dearer.cost_per_month_before
    gone = estate.whatif(site_down=["there"])
    assert gone.cost_per_month_after == gone.cost_per_month_before
    assert not gone.newly_left_out
    more = estate.whatif(demand={"count": 400})
    assert "count" in {move.workload for move in more.moves} | set(more.newly_left_out)
    with pytest.raises(situs.InputError, match="nothing to rehearse"):
        estate.whatif()
    with pytest.raises(situs.InputError, match="price of electricity"):
        estate.whatif(kwh="a lot")


def test_a_drill_of_ones_own_is_the_same_drill(estate: situs.Estate) -> None:
    from situs.planner.analysis.changes import with_demand

    own = estate.rehearse("twice as much", lambda intent: with_demand(intent, "count", 2.0))
    usual = estate.whatif(demand={"count": 2})
    assert own.model_dump(exclude={"name"}) == usual.model_dump(exclude={"name"})


def test_figures_are_in_the_currency_asked_for() -> None:
    euro, dollar = situs.read_estate(SMALL).plan(), situs.read_estate(SMALL, currency="USD").plan()
    assert (euro.currency, dollar.currency) == ("EUR", "USD")
    rate = situs.load_facts().rate("EUR", "USD", euro.at)
    assert dollar.cost == pytest.approx(euro.cost * rate, rel=Decimal("1e-6"))


def test_an_instant_without_a_zone_is_utc() -> None:
    assert situs.read_estate(SMALL, at=datetime(2026, 3, 1, 9)).at == datetime(2026, 3, 1, 9, tzinfo=UTC)


def test_an_estate_without_any_work_has_a_plan() -> None:
    plan = situs.read_estate("sites: {here: {kind: edge, country: DE}}").plan()
    assert (plan.decisions, plan.cost, plan.status) == ((), 0, "optimal")


def test_records_follow_each_other_and_replay(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(SMALL, encoding="utf-8")
    first = situs.open_estate(tmp_path).record(owner="Ada", reason="the first")
    second = situs.open_estate(tmp_path, off=["clearance"]).record()
    assert (first.parent, second.parent) == (None, first.id)
    assert (first.owner, first.reason) == ("Ada", "the first")
    again = situs.open_estate(tmp_path)
    assert [plan.id for plan in again.records()] == [first.id, second.id]
    assert again.replay(first.id).same
    assert {(c.what, c.name) for c in again.diff(first.id, second.id)} == {
        ("field", "owner"), ("field", "parent"), ("field", "reason"),
    }  # fmt: skip


def test_an_estate_from_a_text_keeps_no_records(estate: situs.Estate) -> None:
    with pytest.raises(ValueError, match="no place for records"):
        estate.record()


def test_a_first_estate_is_valid_and_not_written_over(tmp_path: Path) -> None:
    written = situs.write_first_estate(tmp_path / "mine", "DE")
    assert situs.open_estate(written.parent).intent.sites
    with pytest.raises(situs.InputError, match="is there already"):
        situs.write_first_estate(tmp_path / "mine", "DE")
    with pytest.raises(situs.InputError, match="country"):
        situs.write_first_estate(tmp_path / "other", "Germany")
    assert not (tmp_path / "other").exists()


def test_imported_tasks_are_workloads_and_nothing_is_dropped_silently(tmp_path: Path) -> None:
    task = tmp_path / "train.yaml"
    task.write_text(
        "name: train\nresources: {accelerators: 'L4:1', disk_tier: best}\nrun: python train.py\n",
        encoding="utf-8",
    )
    imported = situs.import_skypilot([task], hours=5)
    job = imported.intent.workloads["train"].job
    assert job is not None and job.work == 5
    assert any("disk_tier" in remark.what for remark in imported.unmapped)


def test_manifests_tables_and_traces_are_imported_too(tmp_path: Path) -> None:
    manifest = tmp_path / "cron.yaml"
    manifest.write_text(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: nightly}\nspec:\n  schedule: 0 2 * * *\n"
        "  jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: i, resources: "
        "{requests: {cpu: 500m, memory: 1Gi}}}]}}}}\n",
        encoding="utf-8",
    )
    nightly = situs.import_kubernetes([manifest], hours=2).intent.workloads["nightly"]
    assert (nightly.shapes[0].cpu, nightly.shapes[0].memory) == (0.5, 1.0)
    table = tmp_path / "services.csv"
    table.write_text("Dienst;Kerne;Anfragen\nkasse;4;12,5\n", encoding="utf-8")
    service = situs.import_csv(table).intent.workloads["kasse"].service
    assert service is not None and service.requests_per_s == 12.5
    trace = tmp_path / "trace.csv"
    trace.write_text("name,cpu_milli\n", encoding="utf-8")
    with pytest.raises(situs.InputError):
        situs.import_openb(trace)


def test_the_schema_is_the_one_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    app(["schema"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out) == situs.schema()


@pytest.mark.slow
def test_the_example_answers_every_question(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "clinic", ignore=shutil.ignore_patterns(".*"))
    estate = situs.open_estate(folder)
    plan = estate.plan()
    assert all(not decision.unplaced for decision in plan.decisions)
    assert plan.decision("triage").assignments[0].site == "ward-edge"
    ways = {way.name: way for way in estate.compare()}
    assert ways["plan"].cost_per_month < ways["as-it-is"].cost_per_month
    assert {price.rule for price in estate.rule_prices()} >= {"clearance", "health-in-certified-places"}
    points = estate.pareto(("cost", "control"))
    costs = [point.cost_per_month for point in sorted(points, key=lambda point: point.control)]
    assert costs == sorted(costs), "more control must cost more, or the point would be beaten"
    assert {finding.kind for finding in estate.posture().findings}
    assert {ranked.use_case for ranked in estate.use_cases()} == {"imaging", "letters", "web"}
    assert estate.breakeven("base-train").model_dump()
    for language in ("en", "de"):
        page = estate.report(language)
        assert page.startswith("<!") and "triage" in page
