"""Names of data and sites, for shells that complete them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from situs.cli.estate import HERE

if TYPE_CHECKING:
    from situs.model.intent import Intent


def complete_data(ctx: typer.Context, incomplete: str) -> list[str]:
    """Data of the estate whose names begin so."""
    intent = _intent(ctx)
    return [name for name in sorted(intent.datasets if intent else ()) if name.startswith(incomplete)]


def complete_versions(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same, as runs name them."""
    return [f"{name}@latest" for name in complete_data(ctx, incomplete.partition("@")[0])]


def complete_sites(ctx: typer.Context, incomplete: str) -> list[str]:
    """Sites of the estate whose names begin so."""
    intent = _intent(ctx)
    return [name for name in sorted(intent.sites if intent else ()) if name.startswith(incomplete)]


def _intent(ctx: typer.Context) -> Intent | None:
    """The estate that the command is for; None where it cannot be read: a shell that completes shows no errors."""
    from situs.cli.plane import is_there, opened
    from situs.control.data.known import known

    estate, db = Path(ctx.params.get("estate") or HERE), ctx.params.get("db")
    try:
        return known(opened(db, estate) if is_there(db, estate) else None, estate).intent
    except Exception:
        return None
