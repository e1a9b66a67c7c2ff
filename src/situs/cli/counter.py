"""How ``situs run`` has a control plane of this machine do it: at once, as that has everything loaded already."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from situs.cli.attached import WORDS, say_at, say_end, say_held_up
from situs.cli.output import emit_json, error_console, language
from situs.cli.plane import DETACHED
from situs.client.control_plane import Ended
from situs.control.asked import Asked
from situs.control.counter.line import Closed, Line, same
from situs.control.held_up import HeldUp
from situs.version import __version__


class Unanswered(Exception):
    """The counter did not say how it ended: it is to be found out the long way."""

    def __init__(self, told: dict[str, object] | None, since: tuple[int, int] | None = None) -> None:
        self.told = told
        """what is known of the run; None: it is not known whether it was handed in"""
        self.since = since
        """the generation and the bytes of its output that were shown"""
        super().__init__()


def handed_in(
    line: Line, name: str, asked: Asked, code: bytes, told: Mapping[str, Any], *, as_json: bool
) -> int:
    """Hand a run in and show what it writes; gives the exit code of the command. Raises Unanswered.

    ``told``: who hands it in, for which sites and hours, into which database, and whether it is read along with.
    """
    request = {
        **told, "database": same(told["database"]), "name": name, "asked": asdict(asked), "lang": language(),
        "situs": __version__,
    }  # fmt: skip
    try:
        line.send(request)
        line.send(code)
        placed = line.told()["placed"]
    except Closed:
        raise Unanswered(None) from None
    if not as_json:
        for text in placed["lines"]:
            error_console.print(text, soft_wrap=True, markup=False)
    if told["follow"]:
        return _shown(line, name, placed["values"], as_json)
    if as_json:
        emit_json(placed["values"])
    return 0


def _shown(line: Line, name: str, told: dict[str, object], as_json: bool) -> int:
    words, trouble = WORDS[language()], ""
    output = sys.stderr.buffer if as_json else sys.stdout.buffer
    generation, shown = None, 0
    try:
        while True:
            said = line.next()
            if isinstance(said, bytes):
                shown, trouble = shown + len(said), ""
                output.write(said)
                output.flush()
            elif "at" in said:
                if said["generation"] != generation:
                    generation, shown = said["generation"], 0
                say_at(name, said["at"], runs=said["runs"])
            elif "held_up" in said:
                say_held_up(name, HeldUp(**said["held_up"]))
            elif "trouble" in said and said["trouble"] != trouble:
                trouble = said["trouble"]
                _say(words["trouble"].format(what=trouble))
            elif "end" in said:
                return say_end(name, Ended(**said["end"]), told, as_json)
    except Closed:
        raise Unanswered(told, None if generation is None else (generation, shown)) from None
    except KeyboardInterrupt:
        _say(words["detached"].format(name=name))
        return DETACHED
    finally:
        line.close()


def _say(text: str) -> None:
    error_console.print(text, style="dim", soft_wrap=True, markup=False)
