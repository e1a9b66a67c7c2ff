"""What most commands begin with: the estate, the facts and the instant they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from situs.facts import Facts, load
from situs.intent import load as load_intent
from situs.model.error import InputError
from situs.model.intent import Intent

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at", help="Instant to decide for, such as 2026-11-23T08:00Z.", show_default="the current hour"
    ),
]
OffOption = Annotated[
    list[str] | None,
    typer.Option("--off", help="Switch a law or rule off for this run, by its id. May be repeated."),
]
CurrencyOption = Annotated[
    str | None,
    typer.Option("--currency", help="Currency of all figures.", show_default="the estate's, else EUR"),
]
FactsOption = Annotated[
    list[Path] | None,
    typer.Option("--facts", help="Further fact catalogues; later ones win. May be repeated."),
]


@dataclass(frozen=True)
class Session:
    """One estate under one set of facts at one instant."""

    folder: Path
    intent: Intent
    facts: Facts
    at: datetime
    off: frozenset[str]


def open_session(
    folder: Path,
    at: str | None = None,
    off: list[str] | None = None,
    currency: str | None = None,
    facts: list[Path] | None = None,
) -> Session:
    """Read what a command was pointed at. Raises InputError with every problem found."""
    intent = load_intent(folder).intent
    if currency:
        if not (len(currency) == 3 and currency.isalpha() and currency.isascii()):
            raise InputError(f"{currency!r} is not a currency code such as EUR")
        settings = intent.settings.model_copy(update={"currency": currency.upper()})
        intent = intent.model_copy(update={"settings": settings})
    when = _instant(at) or intent.settings.at or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Session(folder, intent, load(facts or []), when, frozenset(off or ()))


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--at {text!r} is not an instant; write it like 2026-11-23T08:00Z") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
