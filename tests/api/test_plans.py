"""Plans over HTTP: handed in, made again here, approved by another person, refused where that is not so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bench.crash.story import AT
from situs.api.app import application
from situs.api.oidc import Login, trust
from situs.control.approval.loosened import loosened
from situs.facts import load
from situs.intent import loads
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.store import events, tokens
from situs.store.database import Database
from tests.api.asked import FAST, client, token
from tests.store.databases import migrated
from tests.store.plans import plan_by_hand

CASE = {"owner": "x", "value": "1000 EUR/month"}
NEVER = {"at": "2026-11-23T08:00Z", "separation": "never"}
LEAVE = {"moves_per_day": 9, "bill_per_day": "1000 EUR", "kinds": ["on_prem", "private"]}


def site(price: str, **more: Any) -> dict[str, Any]:
    pool = {
        "node": {"cpu": 8, "memory": "16GiB"},
        "count": 2,
        "price": {"basis": "on_demand", "price": price},
    }
    return {
        "kind": "on_prem",
        "country": "DE",
        "operator_country": "DE",
        "clearance": 2,
        "pools": {"box": pool},
    } | more


def work(**more: Any) -> dict[str, Any]:
    made = {"stage": "train", "label": {"level": 1}, "job": {"work": "100h"}, "use_case": "red"}
    return {**made, "shapes": [{"cpu": 1, "memory": "1GiB"}], **more}


def estate(cheap: str = "a", **more: Any) -> dict[str, Any]:
    """A workload of ``red`` that goes where it is cheapest, and a rule."""
    prices = {name: "1 EUR/h" if name == cheap else "2 EUR/h" for name in ("a", "b")}
    made = {
        "settings": {"at": "2026-11-23T08:00Z"},
        "sites": {name: site(price) for name, price in prices.items()},
        "use_cases": {"red": CASE},
        "rules": {"home": {"title": "stay in the Union", "only_at": {"country": ["EU"]}}},
        "workloads": {"one": work()},
    }
    return made | more


class Office:
    """The people of one control plane."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        (folder / "facts").mkdir()

    def person(self, name: str, *roles: str, owner: bool = False) -> TestClient:
        folder = self.folder / ".situs"
        if owner:
            return client(self.database, folder, owner=name)
        return client(
            self.database, folder, token(self.database, *((role, "*") for role in roles), name=name)
        )

    def said(self, kind: str) -> list[tuple[str, str]]:
        with self.database.read() as connection:
            return [(e.by, e.text) for e in events.newest(connection, 100) if e.kind == kind]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    # What is the same on every database is shown on one: each plan takes a process of its own.
    return Office(migrated(tmp_path / "control.db"), tmp_path)


def offer(asked: TestClient, written: dict[str, Any], **more: Any) -> dict[str, Any]:
    given = asked.post("/v1/plans", json={"estate": json.dumps(written), **more})
    assert given.status_code == 201, given.text
    made: dict[str, Any] = given.json()
    assert given.headers["Location"] == f"/v1/plans/{made['plan']}"
    return made


def begin(office: Office, written: dict[str, Any] | None = None) -> tuple[TestClient, TestClient, str]:
    """An operator and an approver, with a first plan in force."""
    ops, boss = office.person("ops", "operator"), office.person("boss", "approver")
    made = offer(ops, written or estate())
    given = boss.post(f"/v1/plans/{made['plan']}/approve", json={"reason": "go"})
    assert given.status_code == 200, given.text
    return ops, boss, made["plan"]


@pytest.mark.slow
def test_a_plan_is_handed_in_looked_at_and_approved_by_another(database: Database, tmp_path: Path) -> None:
    office = Office(database, tmp_path)
    ops, boss, first = begin(office)
    made = offer(ops, estate("b"), reason="b is cheaper now")
    assert (made["state"], made["parent"], made["by"]) == ("waits", first, ["ops"])
    assert {"code": "edited", "subject": "", "value": "", "limit": ""} in made["waits_for"]
    assert made["loosens"] == []
    short = made["plan"][7:19]
    changed = ops.get(f"/v1/plans/{short}/diff").json()
    assert any(one["what"] == "workload" and one["name"] == "one" for one in changed), changed
    assert ops.get("/v1/plans/in-force/diff").json() == []
    there = loads(ops.get(f"/v1/plans/{short}/estate").json()["estate"]).intent
    assert there == loads(json.dumps(estate("b"))).intent
    refused = ops.post(f"/v1/plans/{short}/apply")
    assert refused.status_code == 403 and "approval" in refused.json()["detail"]
    assert boss.post(f"/v1/plans/{short}/approve", json={"reason": "seen"}).json()["generation"] == 2
    assert boss.post(f"/v1/plans/{short}/approve").json()["generation"] == 2
    assert [one["state"] for one in ops.get("/v1/plans").json()] == ["in-force", "was-in-force"]
    assert any(
        by == "boss" and "approved, as generation 2: seen" in text for by, text in office.said("target")
    )
    assert any(by == "ops" and "/apply is refused (403)" in text for by, text in office.said("refused"))


@pytest.mark.slow
def test_a_plan_that_follows_another_one_than_that_in_force_is_refused(office: Office) -> None:
    ops, boss, first = begin(office)
    one, two = offer(ops, estate("b")), offer(ops, estate("b", use_cases={"red": CASE | {"priority": 60}}))
    assert boss.post(f"/v1/plans/{one['plan']}/approve").status_code == 200
    late = boss.post(f"/v1/plans/{two['plan']}/approve")
    assert late.status_code == 409
    assert first[:19] in late.json()["detail"] and one["plan"][:19] in late.json()["detail"]
    assert ops.get(f"/v1/plans/{two['plan']}/proposal").json()["state"] == "stale"
    assert ops.get("/v1/plans/in-force").json()["id"] == one["plan"]


@pytest.mark.slow
def test_a_plan_document_counts_only_when_the_same_is_decided_here(office: Office) -> None:
    ops, _, first = begin(office)
    written = estate("b")
    intent, parent = loads(json.dumps(written)).intent, ops.get(f"/v1/plans/{first}").text
    plan = decide(intent, load(), intent.settings.at, parent=Plan.model_validate_json(parent)).plan  # type: ignore[arg-type]
    made = offer(ops, written, plan=plan.model_dump(mode="json"))
    assert made["plan"] == plan.id
    # Sealed anew, with a place that nobody decided: whole in itself, and not what comes out here.
    dear = plan.decisions[0].assignments[0].model_copy(update={"site": "a"})
    forged = plan.model_copy(
        update={"decisions": (plan.decisions[0].model_copy(update={"assignments": (dear,)}),)}
    ).sealed()
    given = ops.post(
        "/v1/plans", json={"estate": json.dumps(written), "plan": forged.model_dump(mode="json")}
    )
    assert given.status_code == 409 and "not what is decided here" in given.json()["detail"]
    broken = plan.model_dump(mode="json") | {"cost": "1"}
    given = ops.post("/v1/plans", json={"estate": json.dumps(written), "plan": broken})
    assert given.status_code == 422 and "its content no longer has its id" in given.json()["detail"]
    given = ops.post(
        "/v1/plans", json={"estate": json.dumps(estate("a")), "plan": plan.model_dump(mode="json")}
    )
    assert given.status_code == 422 and "another estate" in given.json()["detail"]


@pytest.mark.slow
def test_what_the_use_case_gives_leave_for_is_applied_without_a_person(office: Office) -> None:
    written = estate(use_cases={"red": CASE | {"automatic": LEAVE}})
    ops, boss, _ = begin(office, written)
    boss_ops = office.person("both", "operator", "approver")
    # The same estate, planned again: nothing in it needs anybody.
    made = offer(boss_ops, written)
    assert made["state"] == "ready" and made["waits_for"] == []
    assert boss.post(f"/v1/plans/{made['plan']}/apply").status_code == 403
    assert ops.post(f"/v1/plans/{made['plan']}/apply").json()["by"] == "ops"


@pytest.mark.slow
def test_who_handed_a_plan_in_may_not_approve_it_by_any_of_their_names(office: Office) -> None:
    begin(office)
    ann = office.person("Ann", "admin")
    made = offer(ann, estate("b"))["plan"]
    forbidden = [ann, office.person("ann", "approver")]
    friend = ann.post("/v1/tokens", json={"name": "friend", "grants": [{"role": "admin"}]}).json()["token"]
    through = client(office.database, office.folder / ".situs", friend)
    second = through.post("/v1/tokens", json={"name": "second", "grants": [{"role": "approver"}]}).json()[
        "token"
    ]
    forbidden += [through, client(office.database, office.folder / ".situs", second)]
    for who in forbidden:
        given = who.post(f"/v1/plans/{made}/approve")
        assert given.status_code == 403 and "another person" in given.json()["detail"], given.text
    assert len([1 for _, text in office.said("refused") if "another person must approve" in text]) == 4
    by_friend = offer(through, estate("b", settings={"at": "2026-11-23T09:00Z"}))["plan"]
    assert ann.post(f"/v1/plans/{by_friend}/approve").status_code == 403
    assert office.person("carl", "approver").post(f"/v1/plans/{made}/approve").status_code == 200


@pytest.mark.slow
def test_one_alone_may_approve_as_long_as_nobody_else_could(office: Office) -> None:
    ann = office.person("ann", "admin")
    made = offer(ann, estate())["plan"]
    assert ann.post(f"/v1/plans/{made}/approve").status_code == 200
    always = estate("b", settings={"at": "2026-11-23T08:00Z", "separation": "always"})
    made = offer(ann, always)["plan"]
    assert ann.post(f"/v1/plans/{made}/approve").status_code == 200
    # From now on it is the estate in force that asks for two, whoever there is.
    made = offer(ann, estate("a"))
    assert made["loosens"] == ["the settings asked for separation 'always' and would ask for 'others'"]
    assert ann.post(f"/v1/plans/{made['plan']}/approve").status_code == 403
    assert office.person("boss", "approver").post(f"/v1/plans/{made['plan']}/approve").status_code == 200


@pytest.mark.slow
def test_people_of_an_issuer_count_as_others(office: Office) -> None:
    login = Login(trust("https://login.example.org", "situs", ["it=approver"], "groups"))
    folder = office.folder / ".situs"
    app = application(office.database, folder, None, FAST, login)
    ann = TestClient(app)
    ann.headers["Authorization"] = f"Bearer {token(office.database, ('admin', '*'), name='ann')}"
    made = offer(ann, estate())["plan"]
    assert ann.post(f"/v1/plans/{made}/approve").status_code == 403


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"rules": {}}, "the rule home is left out"),
        ({"rules": {"home": {"title": "x", "only_at": {"country": ["US"]}}}}, "the rule home is changed"),
        ({"rules": {**estate()["rules"], "more": {"title": "x", "never_at": {"name": ["b"]}}}}, None),
        ({"rules": {**estate()["rules"], "more": {"title": "x", "anchor": "y", "off": ["clearance"]}}},
         "the new rule more switches off clearance"),
        ({"sites": {"a": site("1 EUR/h", clearance=4), "b": site("2 EUR/h")}}, "of the site a is changed: clearance"),
        ({"sites": {"a": site("3 EUR/h"), "b": site("2 EUR/h"), "c": site("1 EUR/h")}}, None),
        ({"use_cases": {"red": CASE | {"automatic": LEAVE}}}, "the use case red gives leave"),
        ({"use_cases": {"red": CASE | {"separation": "always"}}}, None),
        ({"settings": NEVER}, "the settings asked for separation 'others' and would ask for 'never'"),
        ({"workloads": {"one": work(label={"level": 0})}}, "the label of the workload one is laxer"),
        ({"workloads": {"one": work(label={"level": 2, "jurisdictions": ["EU"]})}}, None),
        ({"workloads": {"one": work(stage="batch")}}, "rules may see one as another thing: its stage is changed"),
    ],
)  # fmt: skip
def test_what_makes_rules_laxer(change: dict[str, Any], said: str | None) -> None:
    before, after = loads(json.dumps(estate())).intent, loads(json.dumps(estate(**change))).intent
    was, now = (plan_by_hand(intent, {}, AT) for intent in (before, after))
    found = loosened(before, after, was, now)
    assert (said in "; ".join(found)) if said is not None else found == []
    off = now.model_copy(
        update={"provenance": now.provenance.model_copy(update={"off": frozenset({"clearance"})})}
    )
    assert "clearance is switched off" in loosened(before, after, was, off)


@pytest.mark.slow
def test_what_makes_rules_laxer_takes_two_also_where_nothing_else_does(office: Office) -> None:
    begin(office, estate(settings=NEVER))
    both = office.person("both", "operator", "approver")
    plain, laxer = offer(both, estate("b", settings=NEVER)), offer(both, estate(settings=NEVER, rules={}))
    refused = both.post(f"/v1/plans/{laxer['plan']}/approve")
    assert refused.status_code == 403 and "the rule home is left out" in refused.json()["detail"]
    assert both.post(f"/v1/plans/{plain['plan']}/approve").status_code == 200


@pytest.mark.slow
def test_going_back_to_laxer_rules_takes_two(office: Office) -> None:
    ops, boss, _ = begin(office, estate(rules={}))
    made = offer(ops, estate())
    assert made["loosens"] == []
    assert boss.post(f"/v1/plans/{made['plan']}/approve").status_code == 200
    offer(ops, estate(rules={}))
    office.person("carl", "approver")
    given = boss.post("/v1/rollback", json={})
    assert given.status_code == 403 and "the rule home is left out" in given.json()["detail"]
    assert ops.get("/v1/plans/in-force").json()["id"] == made["plan"]


@pytest.mark.slow
def test_what_is_rejected_stays_out_until_it_is_handed_in_again(office: Office) -> None:
    ops, boss, _ = begin(office)
    made = offer(ops, estate("b"))["plan"]
    assert boss.post(f"/v1/plans/{made}/reject", json={}).status_code == 422
    assert boss.post(f"/v1/plans/{made}/reject", json={"reason": "not before Friday"}).json() == {
        "changed": True
    }
    assert boss.post(f"/v1/plans/{made}/reject", json={"reason": "no"}).json() == {"changed": False}
    given = boss.post(f"/v1/plans/{made}/approve")
    assert given.status_code == 409 and "rejected by boss: not before Friday" in given.json()["detail"]
    assert offer(ops, estate("b"))["plan"] == made
    assert boss.post(f"/v1/plans/{made}/approve").status_code == 200


@pytest.mark.slow
def test_files_come_along_and_none_of_this_machine_is_read(office: Office) -> None:
    ops = office.person("ops", "operator")
    (office.folder / "of-the-server.txt").write_text("not yours")
    run = {"command": ["sh", "go.sh"], "files": ["go.sh"]}
    written = json.dumps(estate(workloads={"one": work(run=run)}))
    assert "go.sh" in ops.post("/v1/plans", json={"estate": written}).json()["detail"]
    for wrong in ("/etc/passwd", "../x", "of-the-server.txt"):
        text = json.dumps(estate(workloads={"one": work(run=run | {"files": [wrong]})}))
        given = ops.post("/v1/plans", json={"estate": text, "files": {"go.sh": "Og=="}})
        assert given.status_code == 422, given.text
    assert ops.post("/v1/plans", json={"estate": written, "files": {"go.sh": "Og=="}}).status_code == 201


def test_who_is_refused_again_and_again_does_not_fill_the_log(office: Office) -> None:
    viewer = office.person("eve", "viewer")
    for _ in range(60):
        assert viewer.put("/v1/pause", json={}).status_code == 403
    nobody = client(office.database, office.folder / ".situs")
    assert nobody.get("/v1/overview").status_code == 401
    said = office.said("refused")
    assert len([by for by, _ in said if by == "eve"]) == 30
    assert [by for by, _ in said if by == "nobody known"] == ["nobody known"]
    with office.database.read() as connection:
        assert not any(known.sha256 in str(said) for known in tokens.everything(connection))
