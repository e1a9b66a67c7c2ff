"""Facts are versioned: a plan names what it used, old prices are kept, and an old plan can be made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from situs.cli.main import app
from situs.facts import load
from situs.model.error import InputError
from situs.model.plan import Plan
from situs.sdk import open_estate
from situs.store.catalogues import Catalogues
from situs.store.records import Records

ESTATE = """
settings: {at: 2026-06-01}
sites:
  one:
    {kind: public, operator: hoster-one, country: DE, clearance: 2, pools: {p: {sku: hoster-one/nbg/m4, limit: 9}}}
  two:
    {kind: public, operator: hoster-two, country: DE, clearance: 2, pools: {p: {sku: hoster-two/fra/m4, limit: 9}}}
workloads:
  web: {stage: serve, label: {level: 1}, shapes: [{cpu: 4, memory: 8GiB}], service: {requests_per_s: 1}}
"""
HEADER = "operator,region,country,sku,cpus,memory_gib,currency,per_hour,as_of,source\n"


def _prices(one: str, two: str, day: str) -> str:
    return (
        HEADER
        + f"hoster-one,nbg,DE,m4,4,16,EUR,{one},{day},quote\nhoster-two,fra,DE,m4,4,16,EUR,{two},{day},quote\n"
    )


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "prices-quotes.csv").write_text(_prices("0.10", "0.12", "2026-05-01"))
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner(env={"SITUS_LANG": "en"}).invoke(app, list(arguments))


def _planned(estate: Path, *options: str) -> Plan:
    result = _run("plan", "-C", str(estate), "--json", *options)
    assert result.exit_code == 0, result.output
    return Plan.model_validate_json(result.stdout)


def _place(plan: Plan) -> str:
    return plan.decision("web").assignments[0].site


def test_the_estates_own_prices_are_used_and_named(estate: Path) -> None:
    plan = _planned(estate)
    assert _place(plan) == "one"
    assert plan.provenance.facts["prices"].startswith("2026-09-06+")
    assert plan.provenance.facts["prices"] != load().versions["prices"]
    assert plan.provenance.facts["egress"] == load().versions["egress"]


def test_an_old_plan_is_made_again_from_the_prices_of_its_day(estate: Path) -> None:
    first = _planned(estate)
    (estate / "facts" / "prices-quotes.csv").write_text(_prices("0.10", "0.07", "2026-06-01"))
    second = _planned(estate, "--parent", first.id)
    assert (_place(first), _place(second)) == ("one", "two")
    assert first.provenance.facts["prices"] != second.provenance.facts["prices"]

    again = _run("replay", first.id, "-C", str(estate), "--json")
    assert (again.exit_code, json.loads(again.stdout)["same"]) == (0, True)
    again = _run("replay", second.id, "-C", str(estate), "--json")
    assert (again.exit_code, json.loads(again.stdout)["same"]) == (0, True)

    # With today's prices the old plan comes out differently, and that is said.
    today = _run("replay", first.id, "-C", str(estate), "--json", "--facts", str(estate / "facts"))
    said = json.loads(today.stdout)
    assert (today.exit_code, said["same"]) == (1, False)
    assert any(line.startswith("facts prices: it used") for line in said["differences"])


def test_a_plan_can_be_made_with_an_old_version(estate: Path) -> None:
    first = _planned(estate)
    (estate / "facts" / "prices-quotes.csv").write_text(_prices("0.10", "0.07", "2026-06-01"))
    for reference in (f"prices@{first.provenance.facts['prices']}", first.provenance.facts["prices"]):
        plan = _planned(estate, "--facts", reference, "--no-record")
        assert _place(plan) == "one"
        assert plan.provenance.facts == first.provenance.facts
        assert plan.cost == first.cost


def test_from_python_too(estate: Path) -> None:
    first = open_estate(estate).record()
    (estate / "facts" / "prices-quotes.csv").write_text(_prices("0.10", "0.07", "2026-06-01"))
    assert open_estate(estate).replay(first.id).same
    old = open_estate(estate, facts=[f"prices@{first.provenance.facts['prices']}"])
    assert old.plan().cost == first.cost


def test_an_unknown_version_is_an_error_with_the_nearest(estate: Path) -> None:
    plan = _planned(estate)
    right = plan.provenance.facts["prices"]
    with pytest.raises(
        InputError, match=rf"neither a file nor a kept version.*did you mean prices@{right[:10]}"
    ):
        Catalogues(estate).facts([f"prices@{right[:-2]}zz"])
    with pytest.raises(InputError, match="could be any of"):
        Catalogues(estate).facts(["20"])


def test_what_is_kept_is_kept_once(estate: Path) -> None:
    _planned(estate)
    before = {
        path: path.stat().st_mtime_ns for path in (estate / ".situs" / "facts").rglob("*") if path.is_file()
    }
    _planned(estate, "--reason", "once more")
    after = {
        path: path.stat().st_mtime_ns for path in (estate / ".situs" / "facts").rglob("*") if path.is_file()
    }
    assert before == after
    assert {v.catalogue for v in Catalogues(estate).kept()} == set(load().versions)


def test_tampering_is_noticed(estate: Path) -> None:
    plan = _planned(estate)
    digest = next(
        layer for layer in Catalogues(estate).facts().layers["prices.csv"] if "quotes" in layer.name
    ).digest
    content = estate / ".situs" / "facts" / "content" / digest
    content.write_text(content.read_text().replace("0.10", "0.01"))
    with pytest.raises(InputError, match="was changed after it was kept"):
        Records(estate).facts_of(plan)
    content.unlink()
    with pytest.raises(InputError, match="is gone"):
        Records(estate).facts_of(plan)


def test_a_manifest_cannot_lead_out_of_the_folder(estate: Path) -> None:
    plan = _planned(estate)
    version = f"prices@{plan.provenance.facts['prices']}"
    manifest = estate / ".situs" / "facts" / f"{version}.json"
    manifest.write_text(json.dumps([{"name": "x", "sha256": "../../../estate.yaml"}]))
    with pytest.raises(InputError, match="no identity of a content"):
        Records(estate).facts_of(plan)


def test_facts_that_were_never_kept_are_not_made_up(estate: Path) -> None:
    plan = _planned(estate)
    strange = plan.provenance.model_copy(
        update={"facts": {**plan.provenance.facts, "prices": "2020-01-01+0123456789ab"}}
    )
    assert Records(estate).facts_of(plan.model_copy(update={"provenance": strange})) is None
    hostile = plan.provenance.model_copy(update={"facts": {"prices": "../../x"}})
    assert Records(estate).facts_of(plan.model_copy(update={"provenance": hostile})) is None


def test_kept_versions_are_listed(estate: Path) -> None:
    plan = _planned(estate)
    listed = json.loads(_run("facts", "versions", "-C", str(estate), "--json").stdout)
    assert {"catalogue": "prices", "version": plan.provenance.facts["prices"]} in listed
