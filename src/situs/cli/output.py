"""What every command prints with: tables for people, JSON for programs, one place that knows the language."""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from situs.model.amount import plain
from situs.model.error import InputError

Language = Literal["en", "de"]

console = Console(highlight=False, soft_wrap=False)
error_console = Console(stderr=True, highlight=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]


def language() -> Language:
    """``SITUS_LANG`` if set, else the locale, else English."""
    wanted = os.environ.get("SITUS_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "de" if wanted.lower().startswith("de") else "en"


def ready_for(out: Path) -> Path:
    """Make the folder of a file that will be written, before the work for it is done. Raises InputError."""
    if out.is_dir():
        raise InputError(f"--out {out} is a folder; name a file")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out} cannot be written: {error.strerror}") from None
    return out


def emit_json(value: Any) -> None:
    """Print a JSON value with a stable key order; pydantic models are written by their aliases."""
    sys.stdout.write(
        json.dumps(_plain(value), indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
