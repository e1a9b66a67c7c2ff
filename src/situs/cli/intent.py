"""``situs validate``, ``schema`` and ``init``: the estate as files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json
from situs.model.error import InputError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init_command)
    app.command("validate")(validate_command)
    app.command("schema")(schema_command)


def validate_command(estate: EstateOption = HERE, as_json: JsonOption = False) -> None:
    """Read the estate and report every error at once, each with file, line, column and the likely fix.

    Examples:

      situs validate -C examples/clinic-group

      situs validate --json
    """
    from situs.intent import input_hash, load

    try:
        intent = load(estate).intent
    except InputError as error:
        if as_json:
            emit_json(
                {
                    "valid": False,
                    "problems": [
                        {
                            "file": p.at.file if p.at else None,
                            "line": p.at.line if p.at else None,
                            "column": p.at.column if p.at else None,
                            "what": p.what,
                            "fix": p.fix,
                        }
                        for p in error.problems
                    ],
                }
            )
            raise typer.Exit(error.exit_code) from None
        raise
    counts = {
        part: len(getattr(intent, part))
        for part in ("sites", "links", "locations", "datasets", "workloads", "use_cases", "rules")
    }
    if as_json:
        emit_json({"valid": True, "hash": input_hash(intent), "counts": counts})
        return
    console.print(
        "valid: " + ", ".join(f"{count} {part.replace('_', ' ')}" for part, count in counts.items())
    )


def schema_command(
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write; else standard output.")
    ] = None,
) -> None:
    """The JSON Schema of estate files, so that editors complete and check while you type.

    Examples:

      situs schema -o estate.schema.json

      Then begin a file with: # yaml-language-server: $schema=estate.schema.json
    """
    from situs.model.intent import Intent

    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Intent.model_json_schema(by_alias=True),
    }
    text = json.dumps(schema, indent=1, sort_keys=True) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def init_command(
    folder: Annotated[Path, typer.Argument(help="Folder to write the estate to.")] = HERE,
    find: Annotated[
        bool, typer.Option("--find", help="Look at kubeconfig, SSH config, Slurm and this machine.")
    ] = False,
    country: Annotated[str | None, typer.Option(help="Where these places are, such as DE.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an estate that is there.")] = False,
) -> None:
    """Write a first, commented estate: from a few questions, or from what is found.

    Examples:

      situs init my-estate --country DE

      situs init my-estate --find --country DE
    """
    from situs.sites.discover import found_sites, written

    target = folder / "estate.yaml"
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give --force to write over it")
    where = country or typer.prompt("Country of these places (two letters, such as DE)").strip()
    if not (len(where) == 2 and where.isascii() and where.isupper() and where.isalpha()):
        raise InputError(f"{where!r} is not a country code; write two capitals, such as DE")
    sites = found_sites(everything=find, home=Path.home(), environment=os.environ)
    folder.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    new.write_text(written(sites, where), encoding="utf-8")
    new.replace(target)
    console.print(f"{target}: {len(sites)} sites; look through it, then run `situs validate -C {folder}`")
