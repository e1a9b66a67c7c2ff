"""``situs up``: the control plane, in the foreground."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import error_console
from situs.cli.plane import DbOption, folder_of, opened


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up_command)


def up_command(
    estate: EstateOption = HERE,
    db: DbOption = None,
    replan: Annotated[
        bool, typer.Option(help="Plan again when the estate, the facts or the sites in service change.")
    ] = True,
) -> None:
    """Run the control plane until Ctrl-C: it makes the plan in force true and keeps it true.

    What runs at the sites runs on when it ends. Several may share one PostgreSQL: one acts, the others stand by.
    A plan that it makes by itself waits for `situs approve`, unless the use cases' `automatic` gives leave.

    Examples:

      situs up -C examples/clinic-group

      situs up --db postgresql://situs@db.example.org/situs --no-replan
    """
    from situs.control.connect import by_kind
    from situs.control.estate_files import EstateFiles
    from situs.control.loop import Controller
    from situs.sites.secrets import withhold

    withhold()
    folder = folder_of(estate)
    controller = Controller(
        opened(db, estate, new=True), folder, by_kind(folder),
        say=lambda text: error_console.print(text, soft_wrap=True, markup=False),
        estate=EstateFiles(estate) if replan else None,
    )  # fmt: skip

    def stop(_number: int, _frame: FrameType | None) -> None:
        controller.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        controller.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
