"""Amounts are written one way, whatever they were worked out from, on the command line and over the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from situs.api.places import FORESEEN
from situs.cli.output import emit_json
from situs.cli.placed import as_values
from situs.cli.plane import plain as as_json
from situs.control.foreseen import ForeseenRun
from situs.model.amount import plain, shown
from situs.model.plan import Fit
from situs.store.usage import Line

WHOLE_NUMBERS = st.integers(-(10**18), 10**18)
AMOUNTS = st.builds(lambda n, e: Decimal(n).scaleb(e), WHOLE_NUMBERS, st.integers(-30, 20))


@given(AMOUNTS, st.integers(0, 9))
def test_equal_amounts_are_written_alike_without_an_exponent(amount: Decimal, zeros: int) -> None:
    text = plain(amount)
    assert set(text) <= set("-.0123456789")
    assert Decimal(text) == amount
    _, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int)
    sign = int(amount < 0)
    same = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    assert plain(same) == text
    assert amount or text == "0"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("0.000000") / Decimal("0.1"), "0"), (Decimal(0) / Decimal("0.1"), "0"), (Decimal("-0.00"), "0"),
        (Decimal("1E+1"), "10"), (Decimal("0.20"), "0.2"), (Decimal("1E-7"), "0.0000001"), (Decimal("100"), "100"),
    ],
)  # fmt: skip
def test_how_amounts_look_to_programs(amount: Decimal, text: str) -> None:
    assert plain(amount) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("0", "EUR", "0.00"), ("12.5", "EUR", "12.50"), ("0.0042", "EUR", "0.0042"), ("0.004", "KWD", "0.004"),
        ("1200.4", "JPY", "1200"), ("0.42", "JPY", "0.42"), ("0E+1", "EUR", "0.00"),
    ],
)  # fmt: skip
def test_people_see_the_digits_of_the_currency(amount: str, currency: str, text: str) -> None:
    assert shown(Decimal(amount), currency) == text


def foreseen(per_hour: Decimal) -> ForeseenRun:
    return ForeseenRun(
        "job", Fit.NOW, "box", "all", "cheapest", "EUR", per_hour, per_hour, 1.0, None, None, (), []
    )


@given(AMOUNTS)
def test_the_command_line_and_the_api_say_the_same(amount: Decimal) -> None:
    here, afar = as_values(foreseen(amount)), FORESEEN.dump_python(foreseen(amount), mode="json")
    assert here["per_hour"] == here["estimate"] == afar["per_hour"] == afar["estimate"] == plain(amount)
    # Who asks from afar understands it as what it was.
    assert FORESEEN.validate_python(afar).per_hour == amount


def test_answers_of_the_api_and_what_is_printed_have_no_exponents(capsys: pytest.CaptureFixture[str]) -> None:
    at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    line = Line("run", "box", "all", at, at, 1.0, Decimal("0E+1"), "EUR")
    app = FastAPI()

    @app.get("/line")
    def answer() -> Line:
        return line

    assert TestClient(app).get("/line").json()["amount"] == "0"
    assert as_json(line)["amount"] == "0"
    emit_json({"amount": line.amount, "in": [line.amount]})
    assert json.loads(capsys.readouterr().out) == {"amount": "0", "in": ["0"]}
