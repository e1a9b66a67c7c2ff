"""What pydantic finds wrong, as sentences for the person who wrote the file."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from situs.intent.hints import did_you_mean, shortened

Path_ = tuple[str | int, ...]

_SHAPES = {
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def complaint(
    error: Mapping[str, Any], model: type[BaseModel], written: Any, home: Path_
) -> tuple[Path_, str, str | None]:
    """Path, sentence and likely fix for one of pydantic's errors about ``written``, which stands at ``home``."""
    path = _path(error["loc"], written)
    name = shortened(".".join(str(part) for part in (*home, *path)), 200)
    kind, value = error["type"], error.get("input")
    if kind == "extra_forbidden":
        fields = _fields_at(path[:-1], model, written)
        inside = shortened(".".join(str(part) for part in (*home, *path[:-1])), 200)
        what = f"there is no field {shortened(str(path[-1]), 120)!r} in {inside}"
        known = f"known are {', '.join(sorted(fields))}" if fields else None
        return path, what, did_you_mean(path[-1], fields) or known
    if kind == "missing":
        return path[:-1], f"{name} is missing", f"add {path[-1]}: ..."
    label = f"{name}: "
    if kind in ("enum", "literal_error"):
        expected = error.get("ctx", {}).get("expected", "").replace(" or ", ", ").split(", ")
        expected = [word.strip("'") for word in expected]
        what = f"{label}{_shown(value)} is not one of {', '.join(expected)}"
        return path, what, did_you_mean(value, expected)
    if kind.startswith("union_tag"):
        bases = ["on_demand", "spot", "reserved", "owned"]
        basis = value.get("basis") if isinstance(value, dict) else None
        if basis is None:
            return path, f"{label}the basis of the price is missing", f"add basis: {', '.join(bases)}"
        what = f"{label}basis {_shown(basis)} is not one of {', '.join(bases)}"
        return (*path, "basis"), what, did_you_mean(basis, bases)
    if kind in _SHAPES:
        fix = f"write [{value}]" if "list" in _SHAPES[kind] and _is_word(value) else None
        if kind == "string_type" and isinstance(value, int | float):
            fix = f'write "{value}" in quotes'
        return path, f"{label}{_shown(value)} {_SHAPES[kind]}", fix
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return path, f"{label}{_shown(value)} is not {word} {error['ctx'][bound]}", None
    message = error["msg"].removeprefix("Value error, ")
    if kind != "value_error":
        message = f"{_shown(value)}: {message[:1].lower()}{message[1:]}"
    return path, shortened(f"{label}{message}"), None


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 60


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping" if value else "{}"
    if isinstance(value, list):
        return "a list" if value else "[]"
    return {None: "nothing", True: "true", False: "false"}.get(value) or shortened(repr(value), 120)


def _path(loc: tuple[str | int, ...], written: Any) -> Path_:
    """Pydantic's location without what is not in the file: the tags of price bases, ``[key]``."""
    path: list[str | int] = []
    here: Any = written
    for k, part in enumerate(loc):
        if _holds(here, part):
            here = here[part]
        elif part == "[key]" or (isinstance(here, dict) and here.get("basis") == part and k < len(loc) - 1):
            continue
        else:
            here = None
        path.append(part)
    return tuple(path)


def _holds(value: Any, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value


def _fields_at(path: Path_, model: Any, written: Any) -> list[str]:
    """The fields that the model at a path knows, found by walking the models along it."""
    here: Any = written
    for part in path:
        here = here[part] if _holds(here, part) else None
        model = _part_type(model, part, here)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [info.alias or name for name, info in model.model_fields.items()]
    return []


def _part_type(model: Any, part: str | int, written: Any) -> Any:
    """The type of a field of a model or of an item of a collection."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        by_alias = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
        annotation = by_alias.get(str(part))
    else:
        arguments = [a for a in typing.get_args(model) if a is not Ellipsis]
        annotation = arguments[-1] if arguments else None
    while True:
        origin = typing.get_origin(annotation)
        arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
        if origin is typing.Annotated:
            annotation = arguments[0]
        elif origin in (typing.Union, types.UnionType):
            annotation = _chosen(arguments, written)
        else:
            return annotation


def _chosen(models: list[Any], written: Any) -> Any:
    """Of several price bases the one that was meant."""
    basis = written.get("basis") if isinstance(written, dict) else None
    for model in models:
        fields = getattr(model, "model_fields", {})
        if "basis" in fields and fields["basis"].default == basis:
            return model
    return models[0] if models else None
