"""What the commands of the control plane share: its database, who asks, and times as people read them."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.model.amount import plain as written

if TYPE_CHECKING:
    from situs.store.database import Database

DbOption = Annotated[
    str | None,
    typer.Option(
        "--db",
        envvar="SITUS_DB",
        metavar="FILE|URL",
        help="Database of the control plane: a file, or postgresql://user@host/name.",
        show_default="control.db in the estate's .situs",
    ),
]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who answers for it.", show_default="the user of this machine")
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, for those who come after.")]
DETACHED = 130
"""Exit code after Ctrl-C, which only ends what is shown; shells say the same."""


def place_of(db: str | None, estate: Path) -> str:
    """The address of the database."""
    return db or str(folder_of(estate) / "control.db")


def is_there(db: str | None, estate: Path) -> bool:
    """Whether there is a database; of one that is elsewhere that shows when it is asked."""
    place = place_of(db, estate).removeprefix("sqlite:///")
    return "://" in place or Path(place).exists()


def folder_of(estate: Path) -> Path:
    """Where the control plane keeps what is its own."""
    return (estate if estate.is_dir() else estate.parent) / ".situs"


def opened(db: str | None, estate: Path, *, new: bool = False) -> Database:
    """The database. Raises InputError when there is none, unless it may be made."""
    from situs.control.here import here

    return here(estate, db, new=new).database


def person(by: str | None) -> str:
    """Who asks."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def plain(value: Any) -> Any:
    """A view as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return written(value) if isinstance(value, Decimal) else value


def duration(seconds: float) -> str:
    """In one unit, the largest that has at least one of it."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
