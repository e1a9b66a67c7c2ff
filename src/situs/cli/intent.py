"""``situs validate``, ``schema`` and ``init``: the estate as files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.parts import counts_told
from situs.cli.session import FactsOption
from situs.cli.writing import write_whole
from situs.model.error import InputError, Problem
from situs.model.plural import counted

if TYPE_CHECKING:
    from situs.sites.discover import FoundSite

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "warning": "warning",
        "valid": "valid: {counts}",
        "country": "Country of these places (two letters, such as DE)",
        "find": "Look for Kubernetes, SSH hosts and Slurm too?",
        "clearance": "Highest label level they are approved for (0 public to 4 special)",
        "electricity": "What power costs there, such as 0.28 EUR/kWh (empty: not known)",
        "written": "{file}: {n} site; look through it, then run `situs validate -C {folder}`|"
        "{file}: {n} sites; look through it, then run `situs validate -C {folder}`",
    },
    "de": {
        "warning": "Warnung",
        "valid": "gültig: {counts}",
        "country": "Land dieser Orte (zwei Buchstaben, etwa DE)",
        "find": "Auch nach Kubernetes, SSH-Rechnern und Slurm suchen?",
        "clearance": "Höchste Label-Stufe, für die sie zugelassen sind (0 öffentlich bis 4 besonders)",
        "electricity": "Was Strom dort kostet, etwa 0.28 EUR/kWh (leer: nicht bekannt)",
        "written": "{file}: {n} Ort; durchsehen, dann `situs validate -C {folder}`|"
        "{file}: {n} Orte; durchsehen, dann `situs validate -C {folder}`",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init_command)
    app.command("validate")(validate_command)
    app.command("schema")(schema_command)


def validate_command(
    estate: EstateOption = HERE, facts: FactsOption = None, as_json: JsonOption = False
) -> None:
    """Read the estate and report every error at once, each with file, line, column and the likely fix.

    Examples:

      situs validate -C examples/clinic-group

      situs validate --json
    """
    from situs.intent import input_hash, load
    from situs.intent.literal_secrets import literal_secrets
    from situs.policy import Policy, check_kept_at, check_written
    from situs.sites.registry import check_adapters
    from situs.store.catalogues import Catalogues

    try:
        loaded = load(estate)
        intent = loaded.intent
        known = Catalogues(estate).facts(facts or ())
        check_written(intent, known, loaded.position)
        at = intent.settings.at or datetime.now(UTC)
        check_kept_at(intent, Policy(intent, known, at), loaded.position)
        check_adapters(intent, loaded.position)
    except InputError as error:
        if as_json:
            emit_json(
                {
                    "valid": False,
                    "problems": [_problem(p) for p in error.problems],
                }
            )
            raise typer.Exit(error.exit_code) from None
        raise
    counts = {
        part: len(getattr(intent, part))
        for part in ("sites", "links", "locations", "datasets", "workloads", "use_cases", "rules")
    }
    warnings = list(literal_secrets(loaded))
    if as_json:
        told = [_problem(warning) for warning in warnings]
        emit_json({"valid": True, "hash": input_hash(intent), "counts": counts, "warnings": told})
        return
    words = WORDS[language()]
    for warning in warnings:
        error_console.print(f"{words['warning']}: {warning}", soft_wrap=True, markup=False)
    console.print(words["valid"].format(counts=counts_told(counts, language())))


def _problem(problem: Problem) -> dict[str, object]:
    """A problem, for programs."""
    return {
        "file": problem.at.file if problem.at else None,
        "line": problem.at.line if problem.at else None,
        "column": problem.at.column if problem.at else None,
        "what": problem.what,
        "fix": problem.fix,
    }


def schema_command(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="One kind of thing, such as site or workload; else a whole file.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File to write; else standard output.")
    ] = None,
) -> None:
    """The JSON Schema of estate files, so that editors complete and check while you type.

    Examples:

      situs schema -o estate.schema.json

      situs schema workload

      Then begin a file with: # yaml-language-server: $schema=estate.schema.json
    """
    from situs.intent.schema import json_schema

    text = json.dumps(json_schema(kind), indent=1, sort_keys=True) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_whole(out, text, force=True)


def init_command(
    folder: Annotated[Path, typer.Argument(help="Folder to write the estate to.")] = HERE,
    find: Annotated[
        bool | None,
        typer.Option(
            "--find/--no-find",
            help="Look at kubeconfig, SSH config, Slurm and this machine, or at this machine alone.",
            show_default=False,
        ),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Where these places are, such as DE.", show_default=False)
    ] = None,
    clearance: Annotated[
        int | None,
        typer.Option(help="Highest label level they are approved for.", min=0, max=4, show_default=False),
    ] = None,
    electricity: Annotated[
        str | None, typer.Option(help="What power costs there, such as '0.28 EUR/kWh'.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an estate that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a first, commented estate: from a few questions, or from what is found.

    With --country nothing is asked; what no option tells stays at its default. Clusters that a cloud runs (EKS, GKE,
    AKS) are public sites of that cloud, in the country of their region.

    Examples:

      situs init my-estate

      situs init my-estate --find --country DE --electricity "0.28 EUR/kWh"

      situs init my-estate --find --country DE --json
    """
    from situs.facts import load as load_facts
    from situs.intent import loads
    from situs.sites.discover import found_sites, written

    target = folder / "estate.yaml"
    if target.exists() and not force:
        raise InputError(f"{target} is there already; give --force to write over it")
    words = WORDS[language()]
    if country is None:
        country = typer.prompt(words["country"], value_proc=_asked("country: {}"), err=True)
        if find is None:
            find = typer.confirm(words["find"], default=False, err=True)
        if clearance is None:
            checked = _asked("country: DE, clearance: {}")
            clearance = int(typer.prompt(words["clearance"], default="1", value_proc=checked, err=True))
        if electricity is None:
            checked = _asked("country: DE, electricity: {{price: {}}}", may_be_empty=True)
            electricity = typer.prompt(
                words["electricity"], default="", show_default=False, value_proc=checked, err=True
            )
    sites = found_sites(everything=bool(find), home=Path.home(), environment=os.environ)
    regions = load_facts().region_countries
    text = written(
        sites,
        country,
        regions=regions,
        clearance=1 if clearance is None else clearance,
        electricity=electricity or None,
    )
    # What was typed in is checked where every estate is checked.
    loads(text, str(target))
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(target, text, force=force)
    if as_json:
        emit_json({"file": target, "sites": [_told(site, country, regions) for site in sites]})
        return
    console.print(counted(words["written"], len(sites), file=target, folder=folder))


def _told(site: FoundSite, country: str, regions: Mapping[tuple[str, str], str]) -> dict[str, object]:
    """A site that was found, for programs. ``country`` None: it has to be looked up."""
    return {
        "name": site.name,
        "found_by": site.source,
        "kind": site.kind,
        "operator": site.managed.operator if site.managed else "self",
        "region": site.managed.region if site.managed else None,
        "country": site.country(country, regions),
        "adapter": site.adapter,
        "pools": [pool.name for pool in site.pools],
    }


def _asked(place: str, *, may_be_empty: bool = False) -> Callable[[str], str]:
    """Checks an answer as a site's field is checked, so that it is asked for again at once when it is wrong."""

    def checked(answer: str) -> str:
        from situs.intent import loads
        from situs.intent.dump import scalar

        answer = answer.strip()
        if not answer and may_be_empty:
            return answer
        value = answer if answer.isdecimal() else scalar(answer)
        try:
            loads(f"sites: {{here: {{kind: edge, {place.format(value)}}}}}")
        except InputError as error:
            raise typer.BadParameter(error.problems[0].what.partition(": ")[2]) from None
        return answer

    return checked
