"""A recorded plan is made again to the byte; when it cannot be, what differs is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from situs.facts import Facts, load
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.store.records import Records
from situs.store.replay import differences, origins, replay
from tests.store.estates import AT, read, write_estate


@pytest.fixture(scope="module")
def facts() -> Facts:
    return load()


def decided(folder: Path, facts: Facts, **changes: object) -> Plan:
    """Decide about the estate of a folder and record it there."""
    intent = read(folder)
    plan = decide(intent, facts, AT, **changes).plan  # type: ignore[arg-type]
    Records(folder).save(plan, intent, facts)
    return plan


class TestReplay:
    def test_it_is_the_same_byte_for_byte(self, tmp_path: Path, facts: Facts) -> None:
        plan = decided(write_estate(tmp_path), facts, owner="me", reason="why not")
        records = Records(tmp_path)
        result = replay(records, records.load("latest"), facts)
        assert (result.same, result.differences) == (True, ())
        assert result.plan.canonical() == plan.canonical()
        assert result.plan.id == plan.id

    def test_a_plan_with_a_parent_and_a_law_off_is_the_same_too(self, tmp_path: Path, facts: Facts) -> None:
        first = decided(write_estate(tmp_path), facts)
        decided(tmp_path, facts, parent=first.id, off=frozenset({"clearance"}), gap=1e-3)
        records = Records(tmp_path)
        assert replay(records, records.load("latest"), facts).same

    def test_the_estate_of_today_does_not_matter(self, tmp_path: Path, facts: Facts) -> None:
        """What counts is the estate the plan was made for, which is recorded with it."""
        decided(write_estate(tmp_path), facts)
        write_estate(tmp_path, **{"0.90 EUR/h": "9.00 EUR/h"})
        records = Records(tmp_path)
        assert replay(records, records.load("latest"), facts).same
        shutil.rmtree(tmp_path / "facts", ignore_errors=True)
        (tmp_path / "estate.yaml").unlink()
        assert replay(records, records.load("latest"), facts).same

    def test_other_facts_are_named_with_what_they_change(self, tmp_path: Path, facts: Facts) -> None:
        """A dearer card in the price facts drives the work to the hoster."""
        cheap, dear = (
            price_sheet(tmp_path / name, usd) for name, usd in (("cheap", "0.50"), ("dear", "5.00"))
        )
        estate = write_estate(tmp_path / "estate")
        before, after = load([cheap]), load([dear])
        plan = decided(estate, before)
        assert plan.decisions[0].assignments[0].site == "cloud"
        records = Records(estate)
        assert replay(records, plan, before).same
        result = replay(records, plan, after)
        assert not result.same
        assert result.differences[0].startswith("facts prices: it used ")
        assert any(line.startswith("workload train: ") and "hoster" in line for line in result.differences)
        assert any(line.startswith("cost total: ") for line in result.differences)

    @pytest.mark.slow
    def test_another_version_is_named_and_that_nothing_else_changed(
        self, tmp_path: Path, facts: Facts
    ) -> None:
        plan = decided(write_estate(tmp_path), facts)
        older = plan.model_copy(
            update={"provenance": plan.provenance.model_copy(update={"situs": "0.0.1"})}
        ).sealed()
        records = Records(tmp_path)
        records.save(older, read(tmp_path), facts)
        result = replay(records, records.load("latest"), facts)
        assert not result.same
        assert result.differences[0].startswith("situs: it was made with 0.0.1, this is ")
        assert result.differences[1:] == ("all that was decided is the same",)

    def test_another_solver_is_named(self, tmp_path: Path, facts: Facts) -> None:
        plan = decided(write_estate(tmp_path), facts)
        other = plan.provenance.model_copy(update={"solver": "abacus 1"})
        older = plan.model_copy(update={"provenance": other}).sealed()
        records = Records(tmp_path)
        records.save(older, read(tmp_path), facts)
        assert "abacus 1" in replay(records, older, facts).differences[0]

    def test_a_plan_that_was_cut_off_says_so(self, tmp_path: Path, facts: Facts) -> None:
        plan = decided(write_estate(tmp_path), facts)
        cut = plan.model_copy(update={"status": "best-so-far", "gap": plan.gap + 0.01}).sealed()
        records = Records(tmp_path)
        records.save(cut, read(tmp_path), facts)
        result = replay(records, cut, facts)
        assert not result.same
        assert any("stopped by time or by hand" in line for line in result.differences)
        assert any(line.startswith("field gap") for line in result.differences)


class TestDifferences:
    def test_none_between_a_plan_and_itself(self, tmp_path: Path, facts: Facts) -> None:
        plan = decided(write_estate(tmp_path), facts)
        assert differences(plan, plan) == ()
        assert origins(plan, plan) == ()

    def test_a_dearer_hoster_is_another_estate_and_another_place(self, tmp_path: Path, facts: Facts) -> None:
        a = decided(write_estate(tmp_path / "a", **{"0.90 EUR/h": "0.10 EUR/h"}), facts)
        b = decided(write_estate(tmp_path / "b", **{"0.90 EUR/h": "9.00 EUR/h"}), facts)
        assert [change.name for change in origins(a, b)] == ["estate"]
        changed = {(change.what, change.name): (change.before, change.after) for change in differences(a, b)}
        before, after = changed["workload", "train"]
        assert ("hoster/gpu" in before, "cloud/gpu" in after) == (True, True)
        assert changed["cost", "total"] == (f"{a.cost:,.2f} EUR", f"{b.cost:,.2f} EUR")

    def test_two_ids_are_never_without_a_difference(self, tmp_path: Path, facts: Facts) -> None:
        plan = decided(write_estate(tmp_path), facts)
        other = plan.model_copy(update={"reason": "for the record"}).sealed()
        assert other.id != plan.id
        assert [(c.what, c.name, c.after) for c in differences(plan, other)] == [
            ("field", "reason", "for the record")
        ]


def price_sheet(folder: Path, usd: str) -> Path:
    """A price catalogue that names the card of the estate at another price."""
    from situs.facts.layer import packaged

    (packed,) = [layer for name, layers in packaged().items() if name == "prices.csv" for layer in layers]
    lines = packed.content.decode().splitlines()
    heads = lines[0].split(",")
    row = next(line for line in lines if line.startswith("aws,us-east-1,") and ",g6.xlarge," in line).split(
        ","
    )
    place = next(k for k, head in enumerate(heads) if row[k] == "0.8048")
    row[place] = usd
    folder.mkdir(parents=True)
    (folder / "prices.csv").write_text(f"{lines[0]}\n{','.join(row)}\n", encoding="utf-8")
    return folder / "prices.csv"
