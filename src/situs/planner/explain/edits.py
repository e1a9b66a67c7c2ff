"""Changes to an estate that a program can carry out: a path, a value, and the estate that results.

A path is a JSON pointer into the intent, such as ``/sites/frankfurt/clearance``.  Names hold no slash, so no
escaping is needed; ``-`` stands for the end of a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from situs.model.base import Model
from situs.model.error import InputError
from situs.model.intent import Intent


class Edit(Model):
    """One value that is put in the place of another."""

    path: str
    """JSON pointer into the intent"""
    value: JsonValue
    """as it would stand in a file: quantities with units, money with its currency"""
    was: JsonValue = None
    """what stood there; None also where nothing did"""


def relative_size(edit: Edit) -> float:
    """By what share of the old value a figure or an amount of money changes; 0 for everything else."""
    before, after = _figure(edit.was), _figure(edit.value)
    if before is None or after is None or not before:
        return 0.0
    return float(abs(after - before) / before)


def _figure(value: JsonValue) -> Decimal | None:
    if isinstance(value, dict):
        value = value.get("price")
    try:
        return Decimal(str(value).split(" ")[0])
    except ArithmeticError:
        return None


def apply(intent: Intent, edits: Iterable[Edit]) -> Intent:
    """The intent with the edits made one after the other; the given one stays as it is.

    Raises InputError where a path leads nowhere or a value does not fit there.
    """
    for edit in edits:
        keys = edit.path.strip("/").split("/")
        intent = _put(intent, keys, edit.value, edit.path)
    return intent


def _put(node: Any, keys: list[str], value: JsonValue, path: str) -> Any:
    """``node`` with ``value`` at ``keys``. Only the model around the value is checked again."""
    key, rest = keys[0], keys[1:]
    if isinstance(node, BaseModel):
        return _put_in_model(node, key, rest, value, path)
    if isinstance(node, Mapping):
        if rest and key not in node:
            raise InputError(f"{path}: there is no {key!r}; there are {', '.join(sorted(map(str, node)))}")
        return {**node, key: _put(node[key], rest, value, path) if rest else value}
    if isinstance(node, tuple):
        return _put_in_list(node, key, rest, value, path)
    raise InputError(f"{path}: there is nothing under which {key!r} could be put")


def _put_in_model(node: BaseModel, key: str, rest: list[str], value: JsonValue, path: str) -> BaseModel:
    fields = type(node).model_fields
    field = next((name for name, info in fields.items() if key in (name, info.alias)), None)
    if field is None:
        raise InputError(f"{path}: {type(node).__name__} has no {key!r}; it has {', '.join(sorted(fields))}")
    child = getattr(node, field)
    if rest and not _ends_in_plain_values(child, rest):
        return node.model_copy(update={field: _put(child, rest, value, path)})
    content = {info.alias or name: getattr(node, name) for name, info in fields.items()}
    content[fields[field].alias or field] = _put(child, rest, value, path) if rest else value
    try:
        return type(node).model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {value!r} does not fit: {error.errors()[0]['msg']}") from error


def _ends_in_plain_values(child: Any, rest: list[str]) -> bool:
    """Whether what is left of the path stays outside any further model, which then must be checked here."""
    for key in rest:
        if isinstance(child, BaseModel):
            return False
        if isinstance(child, Mapping):
            child = child.get(key)
        elif isinstance(child, tuple):
            child = child[int(key)] if key.isdigit() and int(key) < len(child) else None
        else:
            return True
    return True


def _put_in_list(
    node: tuple[Any, ...], key: str, rest: list[str], value: JsonValue, path: str
) -> tuple[Any, ...]:
    if key == "-" and not rest:
        return (*node, value)
    if not key.isdigit() or int(key) >= len(node):
        raise InputError(f"{path}: the list has {len(node)} entries and none at {key!r}")
    at = int(key)
    return (*node[:at], _put(node[at], rest, value, path) if rest else value, *node[at + 1 :])
