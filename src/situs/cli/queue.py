"""``situs queue``: who may use how much, who does, and who waits for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption, console, emit_json, language
from situs.cli.plane import DbOption, duration, plain
from situs.cli.server import ServerOption, control_plane
from situs.cli.tables import table as new_table

if TYPE_CHECKING:
    from situs.control.queues.standing import QueueView, Standing

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "queues": ("queue", "cohort", "uses", "borrows", "run", "wait", "next"),
        "entries": ("place", "workload", "priority", "by", "waits", "stands", "site"),
        "none": "the estate has no queues; write one under queues: and apply a plan",
        "states": {
            "waiting": "waiting", "running": "running", "done": "done", "failed": "failed", "stopped": "stopped",
        },
        "of": "{used:g} of {quota:g} {what}", "unlimited": "no limit",
        "accelerators": "accelerators", "cpu": "processors", "memory": "GiB", "runs": "runs",
    },
    "de": {
        "queues": ("Warteschlange", "Verbund", "nutzt", "leiht", "laufen", "warten", "als nächstes"),
        "entries": ("Platz", "Arbeit", "Vorrang", "durch", "wartet", "Stand", "Ort"),
        "none": "der Bestand hat keine Warteschlangen; beschreibe eine unter queues: und wende einen Plan an",
        "states": {
            "waiting": "wartet", "running": "läuft", "done": "fertig", "failed": "gescheitert",
            "stopped": "angehalten",
        },
        "of": "{used:g} von {quota:g} {what}", "unlimited": "keine Grenze",
        "accelerators": "Beschleunigern", "cpu": "Prozessoren", "memory": "GiB", "runs": "Läufen",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("queue")(queue_command)


def queue_command(
    queue: Annotated[
        str | None, typer.Argument(help="One queue, with all that wait or run in it.", metavar="QUEUE")
    ] = None,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the queues: quota, what is used and borrowed, how many run and wait, and who is next.

    Examples:

      situs queue

      situs queue research --json
    """
    plane = control_plane(server, db, estate)
    entries: Sequence[Standing] = ()
    if queue is None:
        views = list(plane.queues())
    else:
        view, entries = plane.queue(queue)
        views = [view]
    if as_json:
        emit_json(plain({"queues": views, "entries": entries}) if queue is not None else plain(views))
        return
    if not views:
        console.print(WORDS[language()]["none"])
        return
    console.print(table_of(views))
    if entries:
        console.print(_entries(entries, plane.clock()))


def table_of(queues: Sequence[QueueView]) -> Any:
    """All queues, a line each."""
    words = WORDS[language()]
    table = new_table(*words["queues"])
    for queue in queues:
        uses = ", ".join(
            words["of"].format(used=queue.used[what], quota=quota, what=words[what])
            for what, quota in queue.quota.items()
        )
        borrows = ", ".join(f"{more:g} {words[what]}" for what, more in queue.borrowed.items() if more)
        table.add_row(
            queue.name, queue.cohort or "", uses or words["unlimited"], borrows, str(queue.running),
            str(queue.waiting), queue.first or "",
        )  # fmt: skip
    return table


def _entries(entries: Sequence[Standing], now: Any) -> Any:
    words = WORDS[language()]
    table = new_table(*words["entries"])
    order = {"running": 0, "waiting": 1}
    for entry in sorted(entries, key=lambda e: (order.get(e.state, 2), e.place or 0, e.handed_in)):
        waits = duration((now - entry.handed_in).total_seconds()) if entry.state == "waiting" else ""
        table.add_row(
            str(entry.place or ""), entry.name, str(entry.priority), entry.by, waits, words["states"][entry.state],
            entry.last.site if entry.last is not None else "",
        )  # fmt: skip
    return table
