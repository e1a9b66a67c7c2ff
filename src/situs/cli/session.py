"""What most commands begin with: the estate, the facts and the instant they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.model.error import InputError

if TYPE_CHECKING:
    # Building the models takes a third of a second, which --help and --version need not wait for.
    from situs.facts import Facts
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
    typer.Option(
        "--facts",
        metavar="FILE|VERSION",
        help="Further catalogues, or a version that a plan was made with; later ones win. May be repeated.",
    ),
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
    from situs.intent import load as load_intent
    from situs.policy import check_written
    from situs.store.catalogues import Catalogues

    loaded = load_intent(folder)
    intent, known = loaded.intent, Catalogues(folder).facts(facts or ())
    check_written(intent, known, loaded.position)
    if currency:
        if not (len(currency) == 3 and currency.isalpha() and currency.isascii()):
            raise InputError(f"{currency!r} is not a currency code such as EUR")
        settings = intent.settings.model_copy(update={"currency": currency.upper()})
        intent = intent.model_copy(update={"settings": settings})
    when = instant(at) or intent.settings.at or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return Session(folder, intent, known, when, frozenset(off or ()))


def instant(text: str | None, option: str = "--at") -> datetime | None:
    """An option's text as an instant in UTC; None stays None."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text!r} is not an instant; write it like 2026-11-23T08:00Z") from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
