"""``situs login``, ``logout`` and ``whoami``: who one is for a control plane that runs elsewhere."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from situs.cli.output import JsonOption, console, emit_json, error_console, language
from situs.cli.plane import person
from situs.cli.server import ServerOption, server_of
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.client.login import Given
    from situs.client.servers import Server

STDIN = "-"
WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "in": "logged in to {server} as {who}: {may}", "usual": "commands ask {server} from now on; `--server local` "
        "asks a folder of this machine, `situs logout` ends it",
        "code": "open {page} in any browser; the code is {code}",
        "page": "log in in the browser; if none opens: {page}",
        "out": "logged out of {server}",
        "left": "the issuer could not be told; what it gave ends by itself, or there",
        "who": "{who} at {server} ({url}): {may}{until}", "here": "{who}, the owner of this machine's control planes",
        "until": "; until {until:%Y-%m-%d %H:%MZ}, then it is renewed", "grant": "{role} in {project}",
        "everywhere": "all projects", "nothing": "no role", "token": "Token: ",
    },
    "de": {
        "in": "angemeldet bei {server} als {who}: {may}", "usual": "Befehle fragen ab jetzt {server}; `--server local` "
        "fragt einen Ordner dieses Rechners, `situs logout` beendet es",
        "code": "öffne {page} in irgendeinem Browser; der Code ist {code}",
        "page": "melde dich im Browser an; wenn keiner aufgeht: {page}", "out": "abgemeldet von {server}",
        "left": "dem Aussteller ließ es sich nicht sagen; was er gab, endet von selbst, oder dort",
        "who": "{who} bei {server} ({url}): {may}{until}",
        "here": "{who}, Eigentümer der Steuerungen auf diesem Rechner",
        "until": "; bis {until:%Y-%m-%d %H:%MZ}, dann wird es erneuert", "grant": "{role} in {project}",
        "everywhere": "allen Projekten", "nothing": "keine Rolle", "token": "Token: ",
    },
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("login")(login_command)
    app.command("logout")(logout_command)
    app.command("whoami")(whoami_command)


def login_command(
    server: Annotated[
        str, typer.Argument(help="Its address, or the name of one that was logged in to.", metavar="URL|NAME")
    ],
    name: Annotated[
        str | None, typer.Option(help="What to call it here.", show_default="made from its address")
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|-", help="Take the token in this file, or on standard input, and ask no issuer."
        ),
    ] = None,
    browser: Annotated[
        bool,
        typer.Option("--browser", help="Log in in a browser of this machine, not by a code in any other."),
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Certificates to trust for it, in PEM, instead of this machine's."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Log in to a control plane elsewhere, which commands ask from then on.

    What makes one known there is kept in a file that nobody else may read, and is shown to that server alone, by TLS
    that is verified.

    Examples:

      situs login https://situs.example.org

      situs login https://situs.example.org --name prod --browser

      situs login prod --token-file token
    """
    from situs.client.asking import Asking
    from situs.client.servers import Server, Servers, address_of, is_address, name_of

    servers = Servers()
    if not is_address(server):
        before = servers.find(server)
        if before is None:
            raise InputError(f"nobody has logged in to {server!r} yet; give its address, https://...")
        url, name = before.url, name or before.name
    else:
        url = address_of(server)
        before = servers.find(url)
        name = name or (before.name if before else name_of(url))
    other = servers.find(name)
    if other is not None and other.url != url:
        raise InputError(f"{name} is {other.url} already; give another --name")
    trusted = _text(ca) if ca is not None else other.ca if other else None
    made = Server(name, url, "", ca=trusted)
    if token_file is not None:
        made = Server(name, url, _token(token_file), ca=trusted)
    else:
        made = _logged_in(made, browser)
    me = Asking(made).get("/v1/me")
    servers.keep(made)
    servers.make_usual(name)
    if as_json:
        emit_json(_values(made, me))
        return
    words = WORDS[language()]
    _line(words["in"].format(server=name, who=me["name"], may=_may(me)))
    _line(words["usual"].format(server=name))


def logout_command(
    server: Annotated[
        str | None,
        typer.Argument(help="Its name or address.", metavar="NAME|URL", show_default="the last one"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Have nothing left here that makes one known to a server; the issuer is told that the login is over.

    Examples:

      situs logout

      situs logout prod
    """
    from situs.client.login import ended
    from situs.client.servers import Servers, address_of, is_address

    servers = Servers()
    wanted = (address_of(server) if is_address(server) else server) if server else servers.usual()
    found = servers.find(wanted) if wanted is not None else None
    if found is None:
        there = ", ".join(each.name for each in servers.everything()) or "none"
        raise InputError(f"nobody is logged in to {wanted or 'any server'}; there are logins to: {there}")
    told = ended(found)
    servers.forget(found.name)
    if as_json:
        emit_json({"server": found.name, "told": told})
        return
    words = WORDS[language()]
    _line(words["out"].format(server=found.name))
    if not told:
        _line(words["left"])


def whoami_command(server: ServerOption = None, as_json: JsonOption = False) -> None:
    """Which control plane commands ask, who one is there, and what one may.

    Examples:

      situs whoami

      situs whoami --server prod --json
    """
    from situs.client.asking import Asking

    found, words = server_of(server), WORDS[language()]
    if found is None:
        owner = {"name": person(None), "grants": [{"role": "admin", "project": "*"}]}
        if as_json:
            emit_json({"server": None, "url": None, **owner, "until": None})
        else:
            _line(words["here"].format(who=owner["name"]))
        return
    me = Asking(found).get("/v1/me")
    if as_json:
        emit_json(_values(found, me))
        return
    until = _until(found)
    said = words["until"].format(until=until) if until else ""
    _line(words["who"].format(who=me["name"], server=found.name, url=found.url, may=_may(me), until=said))


def _logged_in(made: Server, browser: bool) -> Server:
    """The same, with what the server's issuer gives. Raises SitusError."""
    from dataclasses import replace

    from situs.client.asking import Asking
    from situs.client.browser import by_browser
    from situs.client.login import by_code, described

    way = Asking(made).get("/v1/login")
    if way["issuer"] is None:
        raise InputError(
            f"{made.url} takes tokens alone: `situs token create` there makes one; then `situs login {made.url} "
            "--token-file FILE`"
        )
    issuer, client_id = described(str(way["issuer"])), str(way["client_id"])
    given: Given
    if browser or issuer.device is None:
        given = by_browser(issuer, client_id, lambda page: _note("page", page=page))
    else:
        given = by_code(issuer, client_id, lambda page, code: _note("code", page=page, code=code))
    return replace(
        made, token=given.token, until_s=given.until_s, issuer=issuer.url, client_id=client_id,
        refresh=given.refresh,
    )  # fmt: skip


def _token(file: str) -> str:
    """Raises InputError; what is wrong may be a secret, so it is not shown."""
    if file != STDIN:
        text = _text(Path(file))
    elif sys.stdin.isatty():
        text = getpass.getpass(WORDS[language()]["token"])
    else:
        text = sys.stdin.read(100_000)
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(
            "--token-file holds no token: one word is expected, as `situs token create` prints it"
        )
    return token


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from None


def _values(server: Server, me: Mapping[str, Any]) -> dict[str, Any]:
    until = _until(server)
    return {
        "server": server.name, "url": server.url, "name": me["name"], "grants": me["grants"],
        "until": until.isoformat() if until else None,
    }  # fmt: skip


def _until(server: Server) -> datetime | None:
    return datetime.fromtimestamp(server.until_s, UTC) if server.until_s is not None else None


def _may(me: Mapping[str, Any]) -> str:
    words = WORDS[language()]
    held = [
        words["grant"].format(
            role=grant["role"], project=words["everywhere"] if grant["project"] == "*" else grant["project"]
        )
        for grant in me["grants"]
    ]
    return ", ".join(held) or words["nothing"]


def _note(which: str, **details: object) -> None:
    error_console.print(WORDS[language()][which].format(**details), soft_wrap=True, markup=False)


def _line(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
