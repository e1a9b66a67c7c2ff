"""From an array's job to that of one member: what it finds in its environment and in its arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import product

from situs.model.error import InputError
from situs.model.workload import Workload
from situs.store.arrays import Value

LARGEST = 10_000
"""Members of one array: more of them are several arrays, or one job that has a loop."""
PARAMETER = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
OWN = ("index", "size")
"""What stands in braces for the member's number and how many there are; no parameter is called so."""


def member_name(array: str, number: int) -> str:
    """What the member is called."""
    return f"{array}-{number}"


def member_workload(
    workload: Workload, array: str, number: int, size: int, parameters: Mapping[str, Value]
) -> Workload:
    """The job of one member: ``{name}`` in its arguments is the parameter of that name, and nothing else is touched.

    It finds them in its environment too: ``SITUS_PARAM_<NAME>`` each, and ``SITUS_PARAMETERS`` with all as JSON.
    """
    run = workload.run
    assert run is not None
    texts = {name: written(value) for name, value in parameters.items()}
    texts |= {"index": str(number), "size": str(size)}
    env = {
        **run.env,
        "SITUS_ARRAY": array, "SITUS_ARRAY_INDEX": str(number), "SITUS_ARRAY_SIZE": str(size),
        "SITUS_PARAMETERS": json.dumps(dict(parameters)),
        **{f"SITUS_PARAM_{name.upper()}": texts[name] for name in parameters},
    }  # fmt: skip
    command = tuple(_filled(part, texts) for part in run.command)
    return workload.model_copy(update={"run": run.model_copy(update={"env": env, "command": command})})


def written(value: Value) -> str:
    """A value as an argument; a float so that reading it gives the same one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def grid(given: Sequence[str]) -> list[dict[str, Value]]:
    """Members of ``N`` (so many, that differ in their index alone) or of ``NAME=A,B,C`` (each value).

    Several of these give each combination, the last one changing fastest. Raises InputError.
    """
    names: list[str] = []
    values: list[list[Value]] = []
    repeats = 1
    for each in given:
        name, equals, listed = each.partition("=")
        if not equals and each.isascii() and each.isdigit() and int(each) > 0:
            repeats *= int(each)
        elif not equals or not listed:
            raise InputError(f"--array {each!r}: write how many members, as in 10, or NAME=A,B,C")
        else:
            names.append(checked_name(name, names))
            values.append([read(part) for part in listed.split(",")])
    size = repeats
    for some in values:
        size *= len(some)
    if size > LARGEST:
        raise InputError(f"{size} members are more than {LARGEST}; make several arrays of them")
    return [dict(zip(names, some, strict=True)) for some in product(*values) for _ in range(repeats)]


def checked_name(name: str, before: Sequence[str]) -> str:
    """A parameter's name. Raises InputError for one that cannot be a variable's, or was there before."""
    if PARAMETER.fullmatch(name) is None or name in OWN:
        raise InputError(
            f"{name!r} is no name of a parameter; use letters, digits and '_', and neither {' nor '.join(OWN)}"
        )
    if name.upper() in (other.upper() for other in before):
        raise InputError(
            f"the parameter {name!r} is given twice; their variables tell no small from capital letters"
        )
    return name


def read(text: str) -> Value:
    """A number where it reads as one, else the text."""
    if "_" in text:
        return text
    for kind in (int, float):
        try:
            value: Value = kind(text)
        except ValueError:
            continue
        # What is written otherwise than a number is printed, such as 007 or 1e400, is a text to somebody.
        if kind is int and str(value) != text:
            return text
        return value if value == value and value not in (float("inf"), float("-inf")) else text
    return text


def _filled(part: str, texts: Mapping[str, str]) -> str:
    return re.sub(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", lambda found: texts.get(found[1], found[0]), part)
