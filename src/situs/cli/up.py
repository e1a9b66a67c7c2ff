"""``situs up``: the control plane, in the foreground."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated, Literal

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import error_console
from situs.cli.plane import DbOption, folder_of, opened

LogFormat = Literal["text", "json"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up_command)


def up_command(
    estate: EstateOption = HERE,
    db: DbOption = None,
    replan: Annotated[
        bool, typer.Option(help="Plan again when the estate, the facts or the sites in service change.")
    ] = True,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Answer Prometheus there, such as 127.0.0.1:9464.", show_default=False
        ),
    ] = None,
    otlp: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Send traces there by OTLP, such as http://127.0.0.1:4318.",
            show_default=False,
        ),
    ] = None,
    log_format: Annotated[
        LogFormat, typer.Option(help="What it says: in sentences, or everything it does as lines of JSON.")
    ] = "text",
) -> None:
    """Run the control plane until Ctrl-C: it makes the plan in force true and keeps it true.

    What runs at the sites runs on when it ends. Several may share one PostgreSQL: one acts, the others stand by.
    A plan that it makes by itself waits for `situs approve`, unless the use cases' `automatic` gives leave.

    Examples:

      situs up -C examples/clinic-group

      situs up --db postgresql://situs@db.example.org/situs --no-replan

      situs up --metrics 127.0.0.1:9464 --log-format json
    """
    from situs.control.connect import by_kind
    from situs.control.estate_files import EstateFiles
    from situs.control.logs import JsonLog
    from situs.control.loop import Controller
    from situs.control.metrics import Metrics, serve
    from situs.control.otlp import Otlp
    from situs.control.watcher import Watcher, Watchers
    from situs.sites.secrets import withhold

    withhold()
    folder = folder_of(estate)
    database = opened(db, estate, new=True)
    watchers: list[Watcher] = []
    if metrics is not None:
        watchers.append(figures := Metrics(database))
        serve(figures, metrics)
    traces = None if otlp is None else Otlp(database, otlp, folder / "traces.json")
    if traces is not None:
        watchers.append(traces)
        traces.start()
    if log_format == "json":
        watchers.append(JsonLog(_line))
    watcher = Watchers(watchers)
    controller = Controller(
        database, folder, by_kind(folder), say=watcher.said if log_format == "json" else _sentence,
        estate=EstateFiles(estate) if replan else None, watcher=watcher,
    )  # fmt: skip

    def stop(_number: int, _frame: FrameType | None) -> None:
        controller.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        controller.run()
    finally:
        if traces is not None:
            traces.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _sentence(text: str) -> None:
    error_console.print(text, soft_wrap=True, markup=False)


def _line(text: str) -> None:
    # Whole lines of a size that no terminal's width minds, and out at once.
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
