"""``situs import``: what people already have, as an estate."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.parts import counts_told
from situs.cli.tables import table as new_table
from situs.cli.writing import write_whole
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.intent.importing import Imported, Remark
    from situs.intent.reader import Document

MOST_SHOWN = 40
"""Remarks of one kind on a terminal; --json has all."""

import_app = typer.Typer(
    no_args_is_help=True,
    help="Turn what you already have into estate files; what has no counterpart is listed, never dropped.",
)

OutOption = Annotated[
    Path | None, typer.Option("-o", "--out", help="File to write; else standard output.", show_default=False)
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
HoursOption = Annotated[
    float | None,
    typer.Option(
        "--hours", help="Length of a run where the source does not tell it.", min=0.0, show_default="1"
    ),
]
DataOption = Annotated[
    float | None,
    typer.Option(
        "--data-gb", help="Size of a dataset where the source does not tell it.", min=0.0, show_default="0"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(import_app, name="import")


@import_app.command("skypilot")
def skypilot_command(
    files: Annotated[list[Path], typer.Argument(help="Task YAML files; - for standard input.")],
    hours: HoursOption = None,
    data_gb: DataOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """SkyPilot tasks: each becomes a workload, its choices of resources become shapes.

    Examples:

      situs import skypilot train.yaml --hours 12 -o estate/train.yaml

      situs import skypilot tasks/*.yaml --json
    """
    from situs.intent.importing.skypilot import read_skypilot

    _show(read_skypilot(_documents(files), hours, data_gb), out, force, as_json)


@import_app.command("kubernetes")
def kubernetes_command(
    files: Annotated[list[Path], typer.Argument(help="Manifests, YAML or JSON; - for standard input.")],
    hours: HoursOption = None,
    data_gb: DataOption = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Deployments, StatefulSets, DaemonSets, Jobs, CronJobs, Pods and PodTemplates; claims become datasets.

    Examples:

      situs import kubernetes deploy/*.yaml -o estate/cluster.yaml

      kubectl get deployments,cronjobs -A -o json | situs import kubernetes -
    """
    from situs.intent.importing.kubernetes import read_kubernetes

    _show(read_kubernetes(_documents(files), hours, data_gb), out, force, as_json)


@import_app.command("csv")
def csv_command(
    file: Annotated[Path | None, typer.Argument(help="The table; - for standard input.")] = None,
    columns: Annotated[bool, typer.Option("--columns", help="Show the columns that are understood.")] = False,
    currency: Annotated[
        str | None, typer.Option("--currency", help="Currency of amounts without one.", show_default=False)
    ] = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """A table with one row for each service. Headings may be English or German, in any order.

    Separators, encodings and decimal commas are told apart; only the column name is needed.

    Examples:

      situs import csv services.csv --currency EUR -o estate/services.yaml

      situs import csv --columns
    """
    from situs.intent.importing.spreadsheet import read_spreadsheet
    from situs.intent.importing.table import read_table, table_of

    if columns:
        _show_columns(as_json)
        return
    if file is None:
        raise InputError("give the table to read, or --columns to see what may be in it")
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise InputError(f"{currency!r} is not a currency code such as EUR")
    table = table_of(_standard_input(), "<stdin>") if str(file) == "-" else read_table(file)
    _show(read_spreadsheet(table, currency), out, force, as_json)


@import_app.command("openb")
def openb_command(
    file: Annotated[Path, typer.Argument(help="The task table of the trace; - for standard input.")],
    limit: Annotated[int | None, typer.Option("--limit", help="Read only so many tasks.", min=1)] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Instant at which the trace begins, such as 2026-11-23T08:00Z."),
    ] = None,
    out: OutOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tasks of the public openb trace of a production cluster with shared GPUs.

    Examples:

      situs import openb openb_pod_list_default.csv --limit 200 -o estate/tasks.yaml
    """
    from situs.cli.session import instant
    from situs.intent.importing.openb import read_openb
    from situs.intent.importing.table import read_table, table_of

    table = table_of(_standard_input(), "<stdin>") if str(file) == "-" else read_table(file)
    _show(read_openb(table, limit, instant(at)), out, force, as_json)


def _show_columns(as_json: bool) -> None:
    from situs.intent.importing.columns import COLUMNS

    if as_json:
        emit_json({name: {"about": c.about, "also": list(c.also)} for name, c in COLUMNS.items()})
        return
    table = new_table("column", "what it is", "also called")
    for name, column in COLUMNS.items():
        table.add_row(name, column.about, ", ".join(column.also))
    console.print(table)


def _standard_input() -> bytes:
    from situs.intent.reader import LARGEST_FILE_BYTES

    raw = sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1)
    if len(raw) > LARGEST_FILE_BYTES:
        raise InputError(f"standard input has more than {LARGEST_FILE_BYTES // 2**20} MiB")
    return raw


def _documents(files: Sequence[Path]) -> list[Document]:
    """The documents of all files, with the limits and errors that estate files have too."""
    from situs.intent.reader import Reader, decoded

    reader = Reader()
    documents: list[Document] = []
    for file in files:
        if str(file) == "-":
            documents += reader.text(decoded(_standard_input(), "<stdin>"), "<stdin>")
        else:
            documents += reader.file(file)
    return documents


def _show(imported: Imported, out: Path | None, force: bool, as_json: bool) -> None:
    """Write the YAML, and tell what was not carried over or had to be assumed."""
    text = imported.yaml()
    if out is not None:
        write_whole(out, text, force=force)
    if as_json:
        emit_json(
            {
                "source": imported.source,
                "out": str(out) if out is not None else None,
                "yaml": text if out is None else None,
                "counts": {
                    part: len(getattr(imported.intent, part))
                    for part in ("sites", "locations", "datasets", "workloads", "use_cases", "rules")
                },
                "unmapped": [_plain(remark) for remark in imported.unmapped],
                "assumed": [_plain(remark) for remark in imported.assumed],
            }
        )
        return
    if out is None:
        sys.stdout.write(text)
    german = language() == "de"
    _list("nicht übernommen" if german else "not carried over", imported.unmapped, german)
    _list("angenommen" if german else "assumed", imported.assumed, german)
    if out is not None:
        counts = {
            part: len(getattr(imported.intent, part)) for part in ("workloads", "datasets", "sites", "rules")
        }
        there = {part: count for part, count in counts.items() if count}
        error_console.print(f"{out}: {counts_told(there, language())}", markup=False, soft_wrap=True)


def _list(title: str, remarks: Sequence[Remark], german: bool) -> None:
    if not remarks:
        return
    error_console.print(f"{title} ({len(remarks)}):", markup=False)
    for remark in remarks[:MOST_SHOWN]:
        error_console.print(f"  {remark}", markup=False, soft_wrap=True)
    if len(remarks) > MOST_SHOWN:
        more = len(remarks) - MOST_SHOWN
        error_console.print(
            f"  und {more} weitere; --json zeigt alle" if german else f"  and {more} more; --json shows all",
            markup=False,
        )


def _plain(remark: Remark) -> dict[str, Any]:
    return {
        "file": remark.at.file,
        "line": remark.at.line,
        "column": remark.at.column,
        "what": remark.what,
        "why": remark.why,
        "times": remark.times,
    }
