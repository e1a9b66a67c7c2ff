"""``situs up``: the control plane, in the foreground."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from situs.cli.estate import HERE, EstateOption
from situs.cli.output import error_console
from situs.cli.plane import DbOption, folder_of, opened, person, place_of
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.api.oidc import Trust
    from situs.api.serve import Api, Listen
    from situs.planner.single import Placed
    from situs.store.database import Database

LogFormat = Literal["text", "json"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up_command)


def up_command(
    context: typer.Context,
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
    api: Annotated[
        bool, typer.Option(help="Answer over HTTP at the socket api.sock in the estate's .situs.")
    ] = True,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Answer there as well, whoever shows a token.", show_default=False
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificate; needed where others reach it.", show_default=False),
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key.", show_default=False)] = None,
    oidc_issuer: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Let in whom this OpenID issuer vouches for.", show_default=False),
    ] = None,
    oidc_audience: Annotated[
        str, typer.Option(metavar="CLIENT", help="Client id that such a login must be for.")
    ] = "situs",
    oidc_grant: Annotated[
        list[str] | None,
        typer.Option(
            "--oidc-grant",
            metavar="GROUP=ROLE[@PROJECT]",
            help="What a group may; may be given again.",
            show_default=False,
        ),
    ] = None,
    oidc_claim: Annotated[str, typer.Option(help="Claim that has the groups.")] = "groups",
    write_unit: Annotated[
        bool,
        typer.Option("--write-unit", help="Print a systemd unit that runs this, and do nothing else."),
    ] = False,
) -> None:
    """Run the control plane until Ctrl-C: it makes the plan in force true and keeps it true.

    What runs at the sites runs on when it ends. Several may share one PostgreSQL: one acts, the others stand by.
    A plan that it makes by itself waits for `situs approve`, unless the use cases' `automatic` gives leave.

    Examples:

      situs up -C examples/clinic-group

      situs up --db postgresql://situs@db.example.org/situs --no-replan

      situs up --metrics 127.0.0.1:9464 --log-format json

      situs up --listen 127.0.0.1:8420

      situs up -C /srv/estate --write-unit
    """
    from situs.control.connect import by_kind
    from situs.control.counter.serving import Counter
    from situs.control.estate_files import EstateFiles
    from situs.control.logs import JsonLog
    from situs.control.loop import Controller
    from situs.control.metrics import Metrics, serve
    from situs.control.otlp import Otlp
    from situs.control.watcher import Watcher, Watchers
    from situs.sites.secrets import withhold

    at, trusted = (
        _at(listen, tls_cert, tls_key),
        _trust(oidc_issuer, oidc_audience, oidc_grant, oidc_claim, listen),
    )
    if write_unit:
        typer.echo(_unit(context, estate), nl=False)
        return
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
        counter=Counter(database, place_of(db, estate), folder, partial(_placed, folder)),
    )  # fmt: skip

    def stop(_number: int, _frame: FrameType | None) -> None:
        controller.stop()

    answering = _Answering(database, folder, api, at, trusted)
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        controller.run()
    finally:
        answering.stop()
        if traces is not None:
            traces.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _at(listen: str | None, certificate: Path | None, key: Path | None) -> Listen | None:
    """Where else it is to answer. Raises InputError."""
    if listen is None:
        if certificate is not None or key is not None:
            raise InputError("--tls-cert and --tls-key are for --listen; say where")
        return None
    from situs.api.serve import listen as parsed

    return parsed(listen, certificate, key)


def _trust(
    issuer: str | None, audience: str, grants: list[str] | None, claim: str, listen: str | None
) -> Trust | None:
    """Whose logins are taken. Raises InputError."""
    if issuer is None:
        if grants:
            raise InputError("--oidc-grant is for --oidc-issuer; say which")
        return None
    if listen is None:
        raise InputError("--oidc-issuer is for --listen; at the socket there is only the owner")
    from situs.api.oidc import trust

    return trust(issuer, audience, grants or (), claim)


class _Answering:
    """The API, which comes up once there was time for what people wait for first: that work begins."""

    LATER_S = 1.0

    def __init__(
        self, database: Database, folder: Path, on_socket: bool, at: Listen | None, trust: Trust | None
    ) -> None:
        """Where else it is to answer (``at``) is tried at once. Raises InputError."""
        self._database = database
        self._folder = folder
        self._api: Api | None = None
        if at is not None:
            self._opened().on(at, trust)
        self._later = threading.Timer(self.LATER_S, lambda: self._opened().on_socket()) if on_socket else None
        if self._later is not None:
            self._later.daemon = True
            self._later.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._later is not None:
            self._later.cancel()
        if self._api is not None:
            self._api.stop()

    def _opened(self) -> Api:
        from situs.api.serve import Api

        self._api = self._api or Api(self._database, self._folder, person(None), _sentence)
        return self._api


def _unit(context: typer.Context, estate: Path) -> str:
    """A unit with the options of this call. Raises InputError for what must not stand in one."""
    from situs.cli.unit import unit
    from situs.intent import load
    from situs.store.database import address

    folder = estate.resolve()
    local = [site for site in load(estate).intent.sites.values() if site.adapter.kind == "local"]
    # The interpreter that this runs with, by the name that it has: behind a link it would lose its packages.
    words = [sys.executable, "-m", "situs.cli", "up", "-C", str(folder)]
    for option in context.command.params:
        name = str(option.name)
        given = getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
        if not given or name in ("estate", "write_unit"):
            continue
        value = context.params[name]
        if isinstance(value, list | tuple):
            words += [word for each in value for word in (option.opts[0], str(each))]
            continue
        if isinstance(value, bool):
            words.append(option.opts[0] if value else option.secondary_opts[0])
        elif name == "db" and "://" not in value:
            words += ["--db", str(Path(value).resolve())]
        else:
            if name == "db" and address(value).password is not None:
                raise InputError(
                    "a unit can be read by everyone, so no password may stand in it; "
                    "give SITUS_DB in its EnvironmentFile, or keep the password in .pgpass"
                )
            words += [option.opts[0], str(value)]
    return unit(words, folder if folder.is_dir() else folder.parent, person(None), runs_here=bool(local))


def _placed(
    folder: Path, name: str, placed: Placed, hours: float | None, language: str
) -> Mapping[str, object]:
    """What is told of a place to one who hands work in."""
    from situs.cli.placed import as_values, say
    from situs.control.foreseen import foreseen_run

    found = foreseen_run(name, placed, hours, folder)
    return {"lines": list(say(found, language)), "values": as_values(found)}


def _sentence(text: str) -> None:
    error_console.print(text, soft_wrap=True, markup=False)


def _line(text: str) -> None:
    # Whole lines of a size that no terminal's width minds, and out at once.
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
