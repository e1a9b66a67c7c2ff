"""``situs site``: connect a place with one command, see what each takes, list them, take one out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.plane import plain
from situs.cli.server import ServerOption, must_be_here
from situs.cli.tables import table as new_table
from situs.cli.writing import write_whole
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.sites.hostkeys import ShownKey
    from situs.sites.joining import Probed

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "country": "Country it is in (two letters, such as DE)",
        "key": "{host} is not known yet. Its key is {fingerprint} ({type}).",
        "believe": "Is that what its administrator says?",
        "found": "{name}: {cpus} processors, {memory:.1f} GiB{accelerators}; clock {ahead:+.1f} s; apart by {apart}",
        "nothing": "nothing that it tells of",
        "written": "{file}: look through it, then `situs validate -C {folder}`, plan and apply",
        "dry": "nothing was written; {file} would be:", "kinds": ("kind", "option", "needed", "meaning"),
        "yes": "yes",
    },
    "de": {
        "country": "Land, in dem er ist (zwei Buchstaben, etwa DE)",
        "key": "{host} ist noch nicht bekannt. Sein Schlüssel ist {fingerprint} ({type}).",
        "believe": "Sagt das auch, wer ihn verwaltet?",
        "found": "{name}: {cpus} Prozessoren, {memory:.1f} GiB{accelerators}; Uhr {ahead:+.1f} s; trennt durch {apart}",
        "nothing": "nichts, wovon er erzählt",
        "written": "{file}: durchsehen, dann `situs validate -C {folder}`, planen und anwenden",
        "dry": "nichts wurde geschrieben; {file} wäre:", "kinds": ("Art", "Option", "nötig", "Bedeutung"),
        "yes": "ja",
    },
}  # fmt: skip

site_app = typer.Typer(no_args_is_help=True, help="Connect sites, list them, take them out of the estate.")
Place = Literal["public", "private", "on_prem", "edge"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from situs.cli import site_rbac, sites_listed

    sites_listed.register(site_app)
    site_rbac.register(site_app)
    app.add_typer(site_app, name="site")


@site_app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(help="What the site is to be called.")],
    kind: Annotated[str, typer.Option("--kind", help="How it is reached: `situs site kinds` lists all.")],
    country: Annotated[str | None, typer.Option(help="Where it is, such as DE.", show_default="asked")] = None,
    host: Annotated[
        str | None,
        typer.Option(help="[user@]name[:port], for kinds that are reached by SSH.", show_default=False),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o", "--option", metavar="NAME=VALUE", help="Any option of the kind; may be repeated.",
            show_default=False,
        ),
    ] = None,
    place: Annotated[
        Place, typer.Option(help="Who runs the place, in the broadest sense.")
    ] = "on_prem",
    clearance: Annotated[
        int, typer.Option(help="Highest label level it is approved for.", min=0, max=4)
    ] = 1,
    electricity: Annotated[
        str | None, typer.Option(help="What power costs there, such as '0.28 EUR/kWh'.", show_default=False)
    ] = None,
    fingerprint: Annotated[
        list[str] | None,
        typer.Option(help="Key that an SSH host must show, as SHA256:...; else you are asked.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask the place, and write nothing.")] = False,
    estate: EstateOption = HERE,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Connect a site: asks the real place what it has, and writes that as a file of the estate.

    `situs site kinds KIND` tells the options of a kind. A host that SSH does not know yet shows its key; once you have
    compared it, the key is pinned in the site.

    Examples:

      situs site add ward-1 --kind ssh --host situs@ward-1.example --country DE

      situs site add cluster --kind slurm --host login.example -o folder=/home/situs/site --dry-run

      situs site add engine --kind container --country DE --json

      situs site add research --kind kubernetes -o context=cluster -o namespace=research --country DE
    """
    from situs.intent import loads
    from situs.sites.joining import document, probe

    must_be_here("situs site", server, None, estate)
    options = _options(host, option or [])
    intent = _intent(estate)
    if intent is not None and name in intent.sites:
        raise InputError(f"the estate has a site {name!r} already; `situs site rm {name}` takes it out")
    loads(f"sites: {{{name!r}: {{kind: edge, country: DE}}}}", "the name of the site")
    words = WORDS[language()]
    if country is None:
        country = typer.prompt(words["country"], err=True)
    file = estate / "sites" / f"{name}.yaml"
    if file.exists():
        raise InputError(f"{file} is there already")
    probed = probe(name, kind, options, _believe(fingerprint or []))
    text = document(
        name, kind, probed, place=place, country=country, clearance=clearance, electricity=electricity,
        at=datetime.now(UTC), links=intent is None or not intent.links,
    )  # fmt: skip
    # What was typed in is checked where every estate is checked.
    loads(text, str(file))
    if not dry_run:
        file.parent.mkdir(exist_ok=True)
        write_whole(file, text, force=False)
    if as_json:
        emit_json(_told(name, file, probed, None if dry_run else file, text))
        return
    _show(name, probed)
    if dry_run:
        console.print(words["dry"].format(file=file), markup=False)
        typer.echo(text, nl=False)
    else:
        console.print(words["written"].format(file=file, folder=estate), soft_wrap=True, markup=False)


@site_app.command("kinds")
def kinds_command(
    kind: Annotated[str | None, typer.Argument(help="One kind; else all.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """The kinds of sites there are, and the options that each takes.

    Examples:

      situs site kinds

      situs site kinds ssh
    """
    from situs.sites import registry

    names = registry.kinds() if kind is None else [kind]
    found = {name: registry.kind(name).options for name in names}
    if as_json:
        emit_json(
            {
                name: {
                    o: {"meaning": about.meaning, "required": about.required} for o, about in options.items()
                }
                for name, options in found.items()
            }
        )
        return
    words = WORDS[language()]
    table = new_table(*words["kinds"])
    for name, options in found.items():
        for option, about in options.items():
            table.add_row(name, option, words["yes"] if about.required else "", escape(about.meaning))
    console.print(table)


def _options(host: str | None, given: list[str]) -> dict[str, str]:
    """The options of the kind. Raises InputError."""
    options = {} if host is None else {"host": host}
    for text in given:
        name, is_set, value = text.partition("=")
        if not name or not is_set:
            raise InputError(f"-o {text!r} is no option with a value; write it as -o slots=2")
        if name in options:
            raise InputError(f"the option {name} is given twice")
        options[name] = value
    return options


def _intent(estate: Path) -> Any:
    """The estate that the site comes to; None for a folder without any yet. Raises InputError."""
    from situs.intent import load

    if not estate.is_dir():
        raise InputError(
            f"{estate} is no folder; a site is written to a file of its own in the estate's folder"
        )
    there = any(path for ending in ("*.yaml", "*.yml") for path in estate.rglob(ending))
    return load(estate).intent if there else None


def _believe(fingerprints: list[str]) -> Callable[[ShownKey], bool]:
    """Whether a host's key is what was told beforehand, or what a person says it is when asked."""
    words = WORDS[language()]

    def believe(shown: ShownKey) -> bool:
        if shown.fingerprint in fingerprints:
            return True
        told = words["key"].format(
            host=shown.host, fingerprint=shown.fingerprint, type=shown.line.partition(" ")[0]
        )
        if fingerprints:
            raise InputError(
                f"{told} That is none of {', '.join(fingerprints)}: it is another host, or somebody is in between"
            )
        if not sys.stdin.isatty():
            raise InputError(
                f"{told} Compare it with what its administrator says, then give --fingerprint {shown.fingerprint}"
            )
        error_console.print(told, soft_wrap=True, markup=False)
        return typer.confirm(words["believe"], default=False, err=True)

    return believe


def _show(name: str, probed: Probed) -> None:
    words, there = WORDS[language()], probed.inventory
    accelerators = "".join(f", {count} {model}" for model, count in there.accelerators.items())
    said = words["found"].format(
        name=name, cpus=there.cpus, memory=there.memory_gib, accelerators=accelerators,
        ahead=probed.health.clock_ahead_s, apart=", ".join(there.isolation) or words["nothing"],
    )  # fmt: skip
    console.print(said, soft_wrap=True, markup=False)


def _told(name: str, file: Path, probed: Probed, written: Path | None, text: str) -> dict[str, Any]:
    keys = [{"host": key.host, "fingerprint": key.fingerprint} for key in probed.believed]
    return {
        "site": name, "file": str(file), "written": written is not None, "document": text, "host_keys": keys,
        "clock_ahead_s": probed.health.clock_ahead_s, "inventory": plain(probed.inventory),
    }  # fmt: skip
