"""Plans that are handed in, approved, rejected and applied, at a server by people with tokens and on the spot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.store import plans
from situs.store.database import Database
from situs.store.schema import ready
from tests.api.asked import token
from tests.cli.conftest import Call
from tests.cli.served import Served

ESTATE = """
settings: {at: 2026-11-23T08:00Z}
sites:
  a:
    kind: on_prem
    country: DE
    operator_country: DE
    clearance: 2
    pools:
      box:
        node: {cpu: 8, memory: 16GiB}
        count: 2
        price: {basis: on_demand, price: 1 EUR/h}
workloads:
  one:
    stage: train
    label: {level: 1}
    shapes: [{cpu: 1, memory: 1GiB}]
    job: {work: 100h}
    run: {command: [python3, main.py], files: [main.py]}
"""
PEOPLE = {"ops": "operator", "boss": "approver", "ann": "admin"}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where somebody plans, who has no control plane there."""
    made = tmp_path / "work"
    made.mkdir()
    (made / "estate.yaml").write_text(ESTATE)
    (made / "main.py").write_text("print('sent along')")
    return made


@pytest.fixture
def office(database: Database, tmp_path: Path, call: Call) -> Iterator[Database]:
    """A control plane elsewhere that PEOPLE are logged in to."""
    folder = tmp_path / "there" / ".situs"
    folder.mkdir(parents=True)
    served = Served(database, folder)
    served.begin()
    for name, role in PEOPLE.items():
        shown = tmp_path / f"{name}.token"
        shown.write_text(token(database, (role, "*"), name=name))
        assert call("login", served.url, "--name", name, "--token-file", shown).code == 0
        shown.unlink()
        # One server by several names: each login is kept under its own.
        assert call("whoami", "--server", name, "--json").json["name"] == name
    yield database
    served.end()


def edited(work: Path, price: str) -> None:
    (work / "estate.yaml").write_text(ESTATE.replace("1 EUR/h", f"{price} EUR/h"))


def files_of(database: Database, plan: str) -> list[bytes]:
    with database.read() as connection:
        kept = plans.load(connection, plan)
        return [plans.content(connection, digest) for digest in kept.files.values()]


@pytest.mark.slow
def test_a_plan_goes_from_hand_to_hand_over_the_network(office: Database, work: Path, call: Call) -> None:
    first = call("propose", "--reason", "begin", "-C", work, "--server", "ops", "--json").json
    assert (first["state"], first["by"], first["reason"], first["parent"]) == (
        "waits",
        ["ops"],
        "begin",
        None,
    )
    assert files_of(office, first["plan"]) == [b"print('sent along')"]
    assert not (work / ".situs" / "control.db").exists()
    short = first["plan"][7:19]
    for words, said in (
        (["apply", short, "--server", "ops"], "needs the approval of an approver"),
        (["approve", short, "--server", "ops"], "does not have 'approve'"),
        (["apply", short, "--server", "boss"], "does not have 'plan'"),
    ):
        refused = call(*words)
        assert (refused.code, refused.out) == (1, "")
        assert said in refused.err
    assert "generation 1" in call("approve", short, "--reason", "go", "--server", "boss").out
    shown = call("plans", "--server", "ops").out
    assert all(word in shown for word in (short, "ops", "in force", "boss", "go"))

    # Planned here, after the one that is in force there.
    assert first["plan"][:19] in call("plans", "in-force", "--follow", "-C", work, "--server", "ops").out
    edited(work, "3")
    made = call("plan", "-C", work, "--json").json
    assert made["parent"] == first["plan"]
    refused = call("apply", "latest", "-C", work, "--server", "ops")
    assert refused.code == 1 and f"`situs approve {made['id'][7:19]}`" in refused.err
    one = call("plans", made["id"][7:19], "--server", "boss", "--json").json
    assert one["plan"] == made["id"] and one["state"] == "waits"
    assert any(change["what"] == "cost" for change in one["changes"]), one["changes"]
    assert "3" in call("--lang", "de", "plans", made["id"][7:19], "--server", "boss").out
    assert call("reject", made["id"][7:19], "--reason", "too dear", "--server", "boss").code == 0
    again = call("reject", made["id"][7:19], "--reason", "too dear", "--server", "boss", "--json")
    assert again.json == {"changed": False}
    late = call("apply", "latest", "-C", work, "--server", "ops")
    assert late.code == 1 and "was rejected by boss: too dear" in late.err
    assert call("plans", "--server", "ops", "--json").json[0]["state"] == "rejected"
    # Handed in once more it is open again.
    assert call("propose", "latest", "-C", work, "--server", "ops", "--json").json["plan"] == made["id"]
    assert "generation 2" in call("approve", made["id"][7:19], "--server", "boss").out
    assert call("apply", "latest", "-C", work, "--server", "ops", "--json").json["generation"] == 2


@pytest.mark.slow
def test_who_handed_it_in_does_not_approve_it_and_a_stale_one_is_refused(
    office: Database, work: Path, call: Call
) -> None:
    def handed_in(price: str, who: str) -> str:
        edited(work, price)
        plan: str = call("propose", "-C", work, "--server", who, "--json").json["plan"]
        return plan[7:19]

    first = handed_in("1", "ann")
    alone = call("approve", first, "--server", "ann")
    assert alone.code == 1 and "another person must approve this plan: you handed it in" in alone.err
    assert call("approve", first, "--server", "boss").code == 0
    two, three = handed_in("2", "ann"), handed_in("3", "ops")
    assert call("approve", three, "--server", "boss", "--json").json["generation"] == 2
    stale = call("approve", two, "--server", "boss")
    assert stale.code == 1 and f"follows sha256:{first}" in stale.err and f"{three} is in force" in stale.err
    assert {each["plan"][7:19]: each["state"] for each in call("plans", "--server", "ops", "--json").json} == {
        three: "in-force", two: "stale", first: "was-in-force",
    }  # fmt: skip
    unknown = call("approve", "0000", "--server", "boss")
    assert unknown.code == 2 and "'0000' is no plan" in unknown.err
    assert call("reject", three, "--reason", " ", "--server", "boss").code == 2
    assert call("plans", "--follow", "--server", "ops").code == 2


@pytest.mark.slow
def test_the_same_on_the_spot(work: Path, call: Call) -> None:
    unknown = call("apply", "4711", "-C", work)
    assert unknown.code == 2 and "`situs records` lists them" in unknown.err
    made = call("propose", "-C", work, "--by", "ops", "--json").json
    short = made["plan"][7:19]
    refused = call("apply", short, "-C", work)
    assert refused.code == 1 and "needs the approval" in refused.err
    assert call("reject", short, "--reason", "no", "-C", work, "--by", "boss").code == 0
    refused = call("approve", short, "-C", work)
    assert refused.code == 1 and "was rejected by boss: no" in refused.err
    assert "waits for approval" in call("propose", "-C", work, "--by", "ops").out
    shown = call("plans", "-C", work, "--json").json
    assert [(each["by"], each["state"]) for each in shown] == [(["ops"], "waits")]
    assert "generation 1" in call("approve", short, "--by", "boss", "-C", work).out
    assert files_of(ready(Database(str(work / ".situs" / "control.db"))), made["plan"])


@pytest.mark.slow
@pytest.mark.parametrize("words", [["propose"], ["propose", "latest"], ["apply", "latest"]], ids=" ".join)
def test_what_is_missing_is_said_before_anything_is_made_or_sent(
    office: Database, work: Path, call: Call, words: list[str]
) -> None:
    assert call("plan", "-C", work).code == 0
    (work / "main.py").unlink()
    for more in ([], ["--server", "ops"]):
        done = call(*words, "-C", work, *more)
        assert (done.code, done.out) == (2, "")
        assert "main.py" in done.err
    assert not (work / ".situs" / "control.db").exists()
    assert call("plans", "--server", "ops", "--json").json == []
    large = work / "main.py"
    large.write_bytes(bytes(17 << 20))
    done = call(*words, "-C", work, "--server", "ops")
    assert done.code == 2 and "more than the 16 MiB" in done.err
