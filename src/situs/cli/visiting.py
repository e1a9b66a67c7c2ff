"""Being at a session: waiting for its terminal, the terminal while one is there, and what is said at its end."""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from situs.cli.attached import say_at, say_end, say_held_up, say_line
from situs.cli.output import console, emit_json, error_console, language
from situs.cli.plane import DETACHED
from situs.client.control_plane import Ended
from situs.model.amount import plain as exact
from situs.model.error import InputError, SitusError
from situs.sites.adapter import Unreachable

if TYPE_CHECKING:
    from situs.control.attached import End, Reader
    from situs.control.here import Here
    from situs.store.runs import Run

AGAIN_S = 1.0
"""After a line was cut: soon enough for a person who waits, and not too much for a host that is busy."""
NOT_YET_S = 0.2
LOOK_S = 2.0
"""A browser tells by itself that nobody answers; that a session has ended may be told a little later."""
WORDS = {
    "en": {
        "there": "{name} at {site}: Ctrl-] three times leaves it running, `exit` ends it",
        "left": "{name} runs on; `situs dev {name}` comes back to it, `situs stop {name}` ends it",
        "cut": "the line to {name} is cut: {what}; trying again (Ctrl-C leaves it running)",
        "forwards": "http://127.0.0.1:{here} leads to port {there} at {site}; Ctrl-C ends that, and {name} runs on",
        "notebooks": "Jupyter of {name} at {site} is there until Ctrl-C; then {name} and what runs in notebooks go on",
        "idle": "{name} was idle for as long as it may be, and ended by itself",
    },
    "de": {
        "there": "{name} in {site}: dreimal Strg-] verlässt es, und es läuft weiter; `exit` beendet es",
        "left": "{name} läuft weiter; `situs dev {name}` geht wieder hin, `situs stop {name}` beendet es",
        "cut": "die Leitung zu {name} ist unterbrochen: {what}; neuer Versuch (Strg-C: es läuft weiter)",
        "forwards": "http://127.0.0.1:{here} führt zu Port {there} in {site}; Strg-C beendet das, {name} läuft weiter",
        "notebooks": "Jupyter von {name} in {site} ist da bis Strg-C; {name} und die Notebooks laufen weiter",
        "idle": "in {name} geschah so lange nichts, wie es darf, und es hat sich beendet",
    },
}  # fmt: skip


def must_have_terminal() -> None:
    """Raises InputError where nobody types."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "a session needs a terminal, and this is none; `situs dev --detach` begins one without"
        )


def visit(place: Here, name: str, told: dict[str, object], *, as_json: bool) -> int:
    """Be there until it ends or the person leaves; gives the exit code: that of the session, or 0 who has left.

    ``told``: what is known of it already, which JSON repeats at the end.
    """
    from situs.control.attached import Reader
    from situs.control.connect import by_kind
    from situs.control.sessions.coming import was_idle

    reader = Reader(place.database, by_kind(place.folder))
    try:
        end = _begins(reader, name) or _stay(reader, name)
    except KeyboardInterrupt:
        _say("left", name=name)
        return DETACHED
    if end is None:
        if as_json:
            emit_json({**told, "left": True})
        else:
            _say("left", name=name)
        return 0
    if end.run is not None and end.exit_code == 0 and not end.stopped and was_idle(reader, end.run):
        _say("idle", name=name)
    return _told(reader, name, end, told, as_json)


def forward(place: Here, name: str, forwarded: str, *, as_json: bool) -> int:
    """Lead a port of this machine to one where the session is, until that ends or the person has enough."""
    from situs.cli.forwarding import forwarding, ports
    from situs.control.attached import Reader
    from situs.control.connect import by_kind
    from situs.control.sessions.coming import relay

    here, there = ports(forwarded)
    reader = Reader(place.database, by_kind(place.folder))
    try:
        end = _begins(reader, name)
        if end is None:
            run = reader.run(name)
            with forwarding(relay(reader, run, there), here):
                _say("forwards", here=here, there=there, site=run.site, name=name)
                end = _waited(reader, run)
    except KeyboardInterrupt:
        return 0
    return _told(reader, name, end, {"name": name}, as_json)


def notebooks(place: Here, name: str, told: dict[str, object], *, as_json: bool) -> int:
    """Have Jupyter run in the session, and lead a port of this machine there; until that ends or the person has enough.

    ``told``: what is known of the session already, which JSON repeats beside the address.
    """
    from situs.cli.forwarding import forwarding
    from situs.control.attached import Reader
    from situs.control.connect import by_kind
    from situs.control.sessions.coming import jupyter, relay

    reader = Reader(place.database, by_kind(place.folder))
    try:
        end = _begins(reader, name)
        if end is None:
            run = reader.run(name)
            there = jupyter(reader, run)
            with forwarding(relay(reader, run, there.port), 0) as here:
                address = f"http://127.0.0.1:{here}{there.path}?token={there.token}"
                if as_json:
                    emit_json({**told, "url": address})
                else:
                    console.print(address, soft_wrap=True, markup=False, highlight=False)
                # Whoever reads it from a pipe is to have it now, not at the end.
                sys.stdout.flush()
                _say("notebooks", name=name, site=run.site)
                end = _waited(reader, run)
    except KeyboardInterrupt:
        return 0
    # A program has been told where it is, which it could not be at the end.
    return _told(reader, name, end, told, as_json=False)


def _waited(reader: Reader, run: Run) -> End:
    while (end := _ended(reader, run)) is None:
        time.sleep(LOOK_S)
    return end


def _told(reader: Reader, name: str, end: End, told: dict[str, object], as_json: bool) -> int:
    cost, currency = reader.cost(end)
    return say_end(name, Ended(end.exit_code, end.reason, end.stopped, exact(cost), currency), told, as_json)


def _ended(reader: Reader, run: Run) -> End | None:
    try:
        return reader.ended(run)
    except Unreachable:
        # A line that is cut takes its connections along, and new ones may get through again.
        return None


def _begins(reader: Reader, name: str) -> End | None:
    """Wait until its terminal is there, and show what is written until then; gives the end if it ended before."""
    from situs.control.attached import At, End, InLine, Output, Trouble
    from situs.control.held_up import HeldUp
    from situs.control.sessions.beginning import is_session
    from situs.control.sessions.coming import BEGINS

    said = ""
    for seen in reader.follow(name):
        if isinstance(seen, At):
            workload = reader.workload(seen.run)
            if workload is not None and not is_session(workload):
                raise InputError(
                    f"{name} is no session; `situs logs -f {name}` shows it, `situs ssh {name}` goes there"
                )
            say_at(name, seen.run.site, runs=seen.runs)
        elif isinstance(seen, Output):
            if BEGINS in seen.text:
                return None
            sys.stderr.buffer.write(seen.text)
            sys.stderr.flush()
        elif isinstance(seen, InLine):
            say_line(name, seen)
        elif isinstance(seen, HeldUp):
            say_held_up(name, seen)
        elif isinstance(seen, Trouble) and seen.what != said:
            said = seen.what
            _say("cut", name=name, what=said)
        elif isinstance(seen, End):
            return seen
    return None


def _stay(reader: Reader, name: str) -> End | None:
    """Be at its terminal, again and again while the line is cut; None when the person has left."""
    from situs.cli.terminal import lent, size
    from situs.control.sessions.coming import Came, attach, resize

    greeted = False
    while True:
        run = reader.run(name)
        try:
            if (end := reader.ended(run)) is not None:
                return end
            if not greeted:
                _say("there", name=name, site=run.site)
                greeted = True
            came = lent(attach(reader, run, *size()), partial(resize, reader, run))
        except SitusError as error:
            _say("cut", name=name, what=str(error))
            time.sleep(AGAIN_S)
            continue
        if came.left:
            return None
        if came.exit_code in (Came.NOT_YET, Came.OVER):
            time.sleep(NOT_YET_S)
        else:
            if reader.ended(run) is None:
                _say("cut", name=name, what=came.said or f"exit code {came.exit_code}")
            time.sleep(AGAIN_S)


def _say(which: str, **details: object) -> None:
    error_console.print(WORDS[language()][which].format(**details), style="dim", soft_wrap=True, markup=False)
