"""The check of the throughput benchmark finds what is wrong in a history, and nothing in one that is right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.noop.load import Kind, Load, run
from bench.noop.rules import Cohort, broken
from situs.store.database import Database

LOAD = Load(1, 2, (Kind("small", 1, 1.0, 10, 0.1, 9), Kind("large", 20, 1.0, 90, 1.0, 9)))
START = datetime(2026, 11, 26, tzinfo=UTC)


def found(*happened: tuple[float, str, str, str]) -> list[str]:
    history = [(START + timedelta(seconds=at), kind, name, text) for at, kind, name, text in happened]
    return list(Cohort(LOAD, history).broken())


def comes(at: float, name: str) -> tuple[float, str, str, str]:
    return (at, "submitted", name, "")


def begins(at: float, name: str) -> tuple[float, str, str, str]:
    return (at, "placed", name, "")


def ends(at: float, name: str, how: str = "succeeded") -> tuple[float, str, str, str]:
    return (at, "ended", name, f"ended at noop: {how}")


ROOM = "ends at noop: it makes room for {}, of priority 90 before 10"
BACK = "ends at noop: it gives back what c0-q1 has lent to c0-q0, for {}"
S0, L0, L1, L2 = "c0-q0-small-000", "c0-q0-large-000", "c0-q0-large-001", "c0-q0-large-002"
M0 = "c0-q1-large-000"


def test_a_history_by_the_rules_passes() -> None:
    happened = [comes(0, L0), begins(0, L0), comes(0, L1), begins(0, L1), comes(0.1, M0)]
    happened += [
        (0.2, "leaving", L1, BACK.format(M0)),
        ends(0.3, L1, "stopped"),
        begins(0.3, M0),
        ends(1, L0),
    ]
    assert found(*happened, begins(1, L1), ends(1.3, M0), ends(2, L1)) == []


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        ([comes(0, L0), begins(0, L0), comes(0, L1), begins(0, L1), comes(0, L2), begins(0, L2)], "the cohort of"),
        ([comes(0, S0), comes(0, L0), begins(2, S0)], f"{S0} began, and {L0}"),
        ([comes(0, S0), begins(0, S0), (1, "leaving", S0, "ends at noop: somebody said so")], "was ended"),
        ([comes(0, S0), begins(0, S0), (1, "leaving", S0, ROOM.format(L0))], "does not wait"),
        ([comes(0, L0), begins(0, L0), comes(0, S0), (1, "leaving", L0, ROOM.format(S0))], "of no higher priority"),
        ([comes(0, L0), begins(0, L0), comes(0, M0), (1, "leaving", L0, BACK.format(M0))], "did not borrow"),
        (
            [comes(0, L0), begins(0, L0), comes(0, L1), begins(0, L1), comes(0, M0), comes(9, "c0-q1-small-000")],
            "is kept from its own quota",
        ),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_found(happened: list[tuple[float, str, str, str]], said: str) -> None:
    texts = found(*happened)
    assert len(texts) == 1 and said in texts[0]


@pytest.mark.slow
def test_a_small_load_is_run_by_the_rules(tmp_path: Path) -> None:
    load = Load(2, 3, (
        Kind("small", 1, 0.05, 25, 0.02, 20), Kind("medium", 5, 0.1, 50, 0.1, 8), Kind("large", 20, 0.2, 100, 0.25, 4),
    ))  # fmt: skip
    ran = run(tmp_path, load)
    assert ran.took_s > load.least_s
    database = Database(str(tmp_path / "control.db"))
    with database.read() as connection:
        assert list(broken(connection, load)) == []
    database.close()
