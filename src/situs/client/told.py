"""What a server tells, as the types that it has itself; and names as they stand in its addresses."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from situs.model.error import SitusError

T = TypeVar("T")


def understood(kind: type[T], told: Any) -> T:
    """What was told, as what it is. Raises SitusError where the server means something else by it."""
    try:
        return TypeAdapter(kind).validate_python(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise SitusError(
            f"the server tells what this situs does not understand ({where}: {first['msg']}); is it of another version?"
        ) from None


def part(name: str) -> str:
    """A name as one part of a path, whatever somebody typed."""
    return quote(name, safe="")
