"""What is had for somebody who only wants something to run: sites and a control plane; and saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from situs.cli.output import error_console, language

if TYPE_CHECKING:
    from situs.control.here import Here

WORDS = {
    "en": {
        "machine": "no estate here: this machine is the only site (`situs init` describes more)",
        "sites": "no plan was in force: one is now that has the estate's sites and places nothing by itself",
        "up": "no control plane ran: started one in the background (process {pid}, log {log})",
    },
    "de": {
        "machine": "kein Bestand hier: dieser Rechner ist der einzige Ort (`situs init` beschreibt mehr)",
        "sites": "kein Plan war in Kraft: jetzt gilt einer, der die Orte hat und von sich aus nichts verteilt",
        "up": "keine Steuerung lief: eine läuft jetzt im Hintergrund (Prozess {pid}, Protokoll {log})",
    },
}


def have_sites(place: Here, by: str) -> bool:
    """Have a plan in force that has sites; False when one had to be made for that. Raises InputError."""
    new = place.have_sites(by)
    if new is not None:
        _say(WORDS[language()][new])
    return new is None


def have_control(place: Here, *, replan: bool) -> None:
    """Have a control plane act. Raises SitusError."""
    pid = place.have_control(replan=replan)
    if pid is not None:
        _say(WORDS[language()]["up"].format(pid=pid, log=place.folder / "up.log"))


def _say(text: str) -> None:
    error_console.print(text, style="dim", soft_wrap=True, markup=False)
