"""The reference of the command line, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from situs.cli.main import app


def page() -> str:
    """All commands with their arguments, options and examples."""
    root = typer.main.get_command(app)
    assert hasattr(root, "commands")
    return "\n".join(
        [
            "# Command line",
            "",
            "Options that read an estate take `-C FOLDER`; without it, this folder or `SITUS_ESTATE` is meant. "
            "Exit codes: 0 done, 1 could not (or: differs), 2 the input is wrong, 130 interrupted.",
            "",
            *_parameters(root),
            *(line for name, command in root.commands.items() for line in _command(f"situs {name}", command)),
        ]
    )


def _command(path: str, command: Any) -> Iterator[str]:
    yield f"## {path}"
    yield ""
    yield from _help(command)
    nested = getattr(command, "commands", None)
    if nested is not None:
        for name, inner in nested.items():
            yield from _command(f"{path} {name}", inner)
        return
    yield from _parameters(command)


def _help(command: Any) -> Iterator[str]:
    """The text; what stands below ``Examples:`` becomes a block of commands."""
    text, _, examples = inspect.cleandoc(command.help or "").partition("Examples:")
    yield text.strip()
    yield ""
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    if lines:
        yield "```sh"
        yield from (line if line.startswith("situs") else f"# {line}" for line in lines)
        yield "```"
        yield ""


def _parameters(command: Any) -> Iterator[str]:
    shown = [parameter for parameter in command.params if parameter.name != "help"]
    if not shown:
        return
    yield "| | | default |"
    yield "|---|---|---|"
    for parameter in shown:
        yield f"| {_name(parameter)} | {_meaning(parameter)} | {_default(parameter)} |"
    yield ""


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.is_flag:
        return ", ".join(f"`{name}`" for name in names)
    annotation = str(parameter.type_descriptor.annotation)
    kind = parameter.metavar or next((word for sign, word in KINDS if sign in annotation), "VALUE")
    return ", ".join(f"`{name}`" for name in names) + " " + kind.replace("|", " or ")


KINDS = (("Path", "PATH"), ("str", "TEXT"), ("float", "NUMBER"), ("int", "NUMBER"))


def _meaning(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"{text} Environment: `{parameter.envvar}`." if getattr(parameter, "envvar", None) else text


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return shown
    if parameter.required:
        return "required"
    if getattr(parameter, "is_flag", False):
        return "yes" if parameter.default else ""
    if parameter.default in (None, "", ()):
        return ""
    return f"`{parameter.default}`"
