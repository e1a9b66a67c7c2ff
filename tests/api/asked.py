"""An API over a database of its own, asked in process."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from bench.crash.story import AT
from situs.api.app import application
from situs.api.identity import Pace
from situs.control.orders import apply
from situs.facts import load
from situs.intent import loads
from situs.model.intent import Intent
from situs.store import tokens
from situs.store.database import Database
from tests.store.plans import plan_by_hand

FAST = Pace(1e9, 1e9)


def estate() -> Intent:
    """Two projects with a workload each, one of none, a queue, and one of a project."""
    box = {"node": {"cpu": 64, "memory": "64GiB"}, "count": 4, "price": {"basis": "owned", "price": "0 EUR"}}
    site = {"kind": "on_prem", "country": "DE", "clearance": 4, "pools": {"box": box}}

    def work(use_case: str | None) -> dict[str, Any]:
        run = {"command": ["sleep", "600"]}
        made = {"stage": "train", "label": {"level": 0}, "job": {"work": "1h"}, "run": run}
        return {
            **made,
            "shapes": [{"cpu": 0, "memory": "0GiB"}],
            **({"use_case": use_case} if use_case else {}),
        }

    case = {"owner": "x", "value": "1 EUR/month"}
    return loads(
        json.dumps(
            {
                "sites": {"a": site, "b": site},
                "use_cases": {"red": case, "blue": case},
                "queues": {"line": {"quota": {"cpu": 4}}, "reds": {"quota": {"cpu": 4}, "project": "red"}},
                "workloads": {"one": work("red"), "two": work("blue"), "three": work(None)},
            }
        )
    ).intent


def in_force(database: Database) -> Database:
    """The estate's plan in force."""
    intent = estate()
    places = {name: [("a", "box", 1)] for name in intent.workloads}
    apply(database, plan_by_hand(intent, places, AT, None), intent, load(), {}, "ann")
    return database


def token(database: Database, *grants: tuple[str, str], name: str = "tester", days: float = 1.0) -> str:
    """A token with these roles in these projects."""
    rows = [{"role": role, "project": project} for role, project in grants]
    with database.write() as connection:
        return tokens.create(connection, name, rows, timedelta(days=days), "ann")[1]


def client(
    database: Database, folder: Path, shown: str | None = None, owner: str | None = None, pace: Pace = FAST
) -> TestClient:
    """Somebody who asks, with a token or as the owner."""
    asked = TestClient(application(database, folder, owner, pace), raise_server_exceptions=False)
    if shown is not None:
        asked.headers["Authorization"] = f"Bearer {shown}"
    return asked
