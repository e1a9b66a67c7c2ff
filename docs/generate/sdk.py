"""The reference of ``import situs``, from its signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import situs

INTRODUCTION = """\
# Python

`import situs` has what the command line has, with typed results: immutable models whose fields an editor
completes, and which `.model_dump()` turns into plain values. Input that is wrong raises
`situs.InputError` with every problem found.
"""


def page() -> str:
    """Functions first, then the estate's methods, then the results."""
    names = [name for name in situs.__all__ if not name.startswith("__")]
    functions = [name for name in names if inspect.isfunction(getattr(situs, name))]
    classes = [name for name in names if inspect.isclass(getattr(situs, name)) and name != "Estate"]
    lines = [INTRODUCTION, "## Functions", ""]
    for name in functions:
        lines += [
            f"### situs.{name}",
            "",
            *_signature(name, getattr(situs, name)),
            *_text(getattr(situs, name)),
        ]
    lines += ["## situs.Estate", "", *_text(situs.Estate)]
    for name, member in vars(situs.Estate).items():
        if name.startswith("_"):
            continue
        function = getattr(member, "func", member)  # a cached property keeps its function there
        if inspect.isfunction(function):
            lines += [f"### Estate.{name}", "", *_signature(name, function), *_text(function)]
    lines += ["## Results and other types", "", "| | |", "|---|---|"]
    lines += [f"| `{name}` | {_first(getattr(situs, name))} |" for name in sorted(classes)]
    return "\n".join(lines)


def _signature(name: str, function: object) -> Iterator[str]:
    assert callable(function)
    signature = inspect.signature(function)
    kept = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
    text = f"{name}{signature.replace(parameters=kept)}".replace("'", "")
    if len(text) > 100:
        inner = str(signature.replace(parameters=kept, return_annotation=inspect.Signature.empty))[1:-1]
        parts = [f"    {part}," for part in _split(inner.replace("'", ""))]
        result = "" if signature.return_annotation is inspect.Signature.empty else signature.return_annotation
        text = "\n".join([f"{name}(", *parts, f") -> {result}".replace("'", "")])
    yield "```text"
    yield text
    yield "```"
    yield ""


def _split(parameters: str) -> Iterator[str]:
    """At the commas between parameters, not at those within brackets."""
    depth, start = 0, 0
    for index, sign in enumerate(parameters):
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and not depth:
            yield parameters[start:index].strip()
            start = index + 1
    yield parameters[start:].strip()


def _text(thing: object) -> Iterator[str]:
    yield _plain(inspect.getdoc(thing) or "")
    yield ""


def _first(thing: object) -> str:
    return " ".join(_plain((inspect.getdoc(thing) or "").partition("\n\n")[0]).split())


def _plain(text: str) -> str:
    return text.replace("``", "`").replace(":mod:", "").replace(":func:", "")
