"""What is sent of a folder and its settings, as far as a person should hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from situs.cli.output import error_console, language
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.control.shipping import Snapshot

WORDS = {
    "en": {
        "withheld": "not sent, as they look like secrets: {names} (--include sends one)",
        "written": "{name} seems to hold a secret, and everybody who sees this run sees it: use --secret",
        "astray": "not sent, as they lead out of the folder: {names}",
    },
    "de": {
        "withheld": "nicht gesendet, sieht nach Geheimnissen aus: {names} (--include sendet eines)",
        "written": "{name} sieht nach einem Geheimnis aus, und wer diesen Lauf sieht, sieht es: besser --secret",
        "astray": "nicht gesendet, führt aus dem Ordner hinaus: {names}",
    },
}


def tell_left_out(taken: Snapshot) -> None:
    """Files that stay at home."""
    if taken.withheld:
        _note("withheld", names=", ".join(taken.withheld))
    if taken.astray:
        _note("astray", names=", ".join(taken.astray))


def must_be_sent(script: str, taken: Snapshot, code: Path) -> None:
    """A script that stays at home is told of now, not by the site later."""
    path = Path(script)
    if path.is_absolute() or not (code / path).is_file() or path.as_posix() in taken.files:
        if path.suffix == ".py" and not path.is_absolute() and not (code / path).is_file():
            raise InputError(f"there is no file {script} in {code}")
        return
    raise InputError(f"{script} would not be sent: .gitignore or .situsignore leaves it out")


def packages_of(taken: Snapshot, named: str | None, *, no_env: bool) -> str | None:
    """The lock file among what is sent that is to be installed; None: nothing is.

    ``named``: by a person; None: the one that is there. Raises InputError for one that is not.
    """
    from situs.control.shipping import likely_lock, lock_digest

    if no_env:
        return None
    found = likely_lock(taken.files) if named is None else named
    if found:
        lock_digest(taken.archive, found)
    return found


def tell_written_out(env: Mapping[str, str]) -> None:
    """Variables whose values look like secrets."""
    from situs.model.secret import looks_secret

    for name, value in env.items():
        if looks_secret(name, value):
            _note("written", name=name)


def pairs(given: list[str] | tuple[str, ...], option: str = "--env") -> dict[str, str]:
    """Variables and what they hold, from ``NAME=VALUE``. Raises InputError."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            # What is wrong may be a secret, so it is not shown.
            raise InputError(f"an option {option} is not of the form NAME=VALUE")
        found[name] = value
    return found


def _note(which: str, **details: object) -> None:
    text = WORDS[language()][which].format(**details)
    error_console.print(text, style="dim", soft_wrap=True, markup=False)
