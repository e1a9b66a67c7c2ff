"""The form of estate files as JSON Schema: of whole files, and of each kind of thing in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from situs.intent.hints import did_you_mean
from situs.intent.loader import NAMED
from situs.model.error import InputError
from situs.model.estate import Link
from situs.model.intent import Intent, Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
WHOLE = "estate"

KINDS: Mapping[str, type[BaseModel]] = {
    WHOLE: Intent,
    **{section.removesuffix("s"): model for section, model in NAMED.items()},
    "link": Link,
    "settings": Settings,
}


def json_schema(kind: str | None = None) -> dict[str, Any]:
    """The schema of one kind, or of a whole file. Raises InputError for a kind that is not there."""
    model = KINDS.get(kind or WHOLE)
    if model is None:
        known = f"there are {', '.join(KINDS)}"
        raise InputError(f"there is no kind {kind!r}; {did_you_mean(kind, KINDS) or known}")
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True)}
