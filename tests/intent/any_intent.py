"""Strategies that draw any model from its own annotations, so that new fields are tried without more work."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from situs.model.base import NAME_PATTERN
from situs.model.money import Money

NAMES = st.from_regex(NAME_PATTERN, fullmatch=True).filter(lambda name: name.isascii() and "\n" not in name)
KEYS = st.text(alphabet=[chr(c) for c in range(32, 127)], min_size=1, max_size=12)
TEXTS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Co", "Cf", "Zl", "Zp"]), max_size=30),
    st.sampled_from(["null", "1e5", "0x1f", "yes", "~", "- a", "a: b", "#", "*", "2025-01-01", "1_000", "a\nb\n",
                     " x ", "\ttab", "", "'", '"', "{", "=", "<<", "!!", "é", "😀", "permit(\n  x\n);"]),
)  # fmt: skip
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))
COUNTRIES = st.sampled_from(["DE", "FR", "NO", "US", "CH"])
CURRENCIES = st.sampled_from(["EUR", "USD", "CHF"])
AMOUNTS = st.decimals(Decimal(0), Decimal("1e12"), places=4)


def any_model(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any sound value of a model; fields with defaults may stay at them."""
    fields = {
        info.alias or name: (_field(name, info), info.is_required())
        for name, info in model.model_fields.items()
    }
    required = {name: strategy for name, (strategy, needed) in fields.items() if needed}
    optional = {name: strategy for name, (strategy, needed) in fields.items() if not needed}
    values = st.fixed_dictionaries(required, optional=optional)
    return values.map(lambda value: _made(model, value)).filter(lambda made: made is not None)


def _made(model: type[BaseModel], value: Mapping[str, Any]) -> BaseModel | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _field(name: str, info: FieldInfo) -> st.SearchStrategy[Any]:
    if "country" in name:
        return COUNTRIES if info.is_required() else st.one_of(st.none(), COUNTRIES)
    if name == "currency":
        return CURRENCIES
    return _of(info.annotation, info.metadata)


def _of(annotation: Any, metadata: list[Any] | tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        if any("_country" in repr(item) for item in annotation.__metadata__):
            return COUNTRIES
        return _of(arguments[0], annotation.__metadata__)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([_of(argument) for argument in arguments])
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if annotation is type(None):
        return st.none()
    if origin is tuple:
        return st.lists(_of(arguments[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(_of(arguments[0]), max_size=3)
    if origin is not None and issubclass(origin, Mapping):
        key = NAMES if typing.get_origin(arguments[0]) is typing.Annotated else KEYS
        return st.dictionaries(key, _of(arguments[1]), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Money):
        return st.builds(lambda a, c: annotation(amount=a, currency=c), AMOUNTS, CURRENCIES)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any_model(annotation)
    if annotation is str:
        is_name = any("_name" in repr(item) for item in metadata)
        return NAMES if is_name else TEXTS
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(0, 30)
    if annotation is float:
        return st.one_of(st.sampled_from([0.0, 1.0, 0.1, 1e-9, 1e16]), st.floats(0, 1, exclude_min=True))
    if annotation is datetime:
        return INSTANTS
    raise NotImplementedError(f"no strategy for {annotation}")
