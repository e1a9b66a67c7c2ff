"""Refusals in words: a reason and what would lift it, in English and German."""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from situs.model.refusal import Refusal


@dataclass(frozen=True)
class Sentence:
    """Why not, and the nearest change that would lift it."""

    reason: str
    fix: str


WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "jurisdiction-location": ("{site} is in {country}, the label allows only {allowed}", "use a site in {allowed}, or have the owner allow {country}"),
        "jurisdiction-operator": ("{who} of {site} ({operator}) is under the law of {country}, the label allows only {allowed}", "hold your own keys and use confidential computing there, or use an operator from {allowed}"),
        "may-not-leave": ("{dataset} may not leave {sites}", "bring the work to the data, or have the owner set may_leave"),
        "purpose": ("the purpose {purpose} is not among those the data were given for: {allowed}", "state one of these purposes, or get consent for {purpose}"),
        "certificate": ("{site} is not certified for {scheme} until {until} (ends: {lapses})", "have {scheme} certified or renewed beyond {until}"),
        "administrators": ("administrators of {site} sit in {countries}, the label allows only {allowed}", "have {site} administered from {allowed}"),
        "clearance": ("{site} is approved for level {clearance}, the label has level {level}", "approve {site} for level {level}"),
        "tenancy": ("machines at {site} are {tenancy}, the label asks for dedicated ones", "rent dedicated machines at {site}"),
        "encryption": ("{site} does not offer {missing}", "switch on {missing} at {site}"),
        "key-custody": ("keys at {site} are held by: {custody}; needed: {needed}", "change key custody at {site} to {needed}"),
        "latency-limit": ("{location} is {latency} ms from {site}, the limit is {limit} ms", "raise the limit to {latency} ms, or add a site nearer to {location}"),
        "transit": ("the way of {dataset} from {source} to {target} crosses {countries}, the label allows only {allowed}", "encrypt in transit with your own keys at both ends"),
        "hardware": ("no pool at {site} can run {workload}", "add a fitting pool at {site}"),
        "data-reach": ("{workload} cannot get at {dataset} from {site}", "link {site} to the data, or allow a replica there"),
        "window": ("{workload} cannot end before its deadline anywhere", "extend the deadline"),
    },
    "de": {
        "jurisdiction-location": ("{site} liegt in {country}, das Label erlaubt nur {allowed}", "einen Ort in {allowed} nehmen oder {country} vom Eigentümer erlauben lassen"),
        "jurisdiction-operator": ("{who} von {site} ({operator}) untersteht dem Recht von {country}, das Label erlaubt nur {allowed}", "dort eigene Schlüssel halten und vertraulich rechnen, oder einen Betreiber aus {allowed} nehmen"),
        "may-not-leave": ("{dataset} darf {sites} nicht verlassen", "die Arbeit zu den Daten bringen oder may_leave vom Eigentümer setzen lassen"),
        "purpose": ("der Zweck {purpose} gehört nicht zu denen, für die die Daten gegeben wurden: {allowed}", "einen dieser Zwecke angeben oder für {purpose} eine Einwilligung holen"),
        "certificate": ("{site} ist nicht bis {until} nach {scheme} zertifiziert (endet: {lapses})", "{scheme} über {until} hinaus zertifizieren oder verlängern lassen"),
        "administrators": ("Administratoren von {site} sitzen in {countries}, das Label erlaubt nur {allowed}", "{site} aus {allowed} verwalten lassen"),
        "clearance": ("{site} ist für Stufe {clearance} zugelassen, das Label hat Stufe {level}", "{site} für Stufe {level} zulassen"),
        "tenancy": ("Maschinen in {site} sind {tenancy}, das Label verlangt eigene", "in {site} dedizierte Maschinen mieten"),
        "encryption": ("{site} bietet nicht: {missing}", "{missing} in {site} einschalten"),
        "key-custody": ("die Schlüssel in {site} hält: {custody}; nötig: {needed}", "die Schlüsselhoheit in {site} auf {needed} ändern"),
        "latency-limit": ("{location} ist {latency} ms von {site} entfernt, die Grenze ist {limit} ms", "die Grenze auf {latency} ms anheben oder einen näheren Ort zu {location} aufnehmen"),
        "transit": ("der Weg von {dataset} von {source} nach {target} führt durch {countries}, das Label erlaubt nur {allowed}", "an beiden Enden mit eigenen Schlüsseln verschlüsselt übertragen"),
        "hardware": ("kein Pool in {site} kann {workload} ausführen", "in {site} einen passenden Pool aufnehmen"),
        "data-reach": ("{workload} kommt von {site} aus nicht an {dataset}", "{site} mit den Daten verbinden oder dort eine Replik erlauben"),
        "window": ("{workload} kann nirgends vor der Frist enden", "die Frist verlängern"),
    },
}  # fmt: skip

USER: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "only-at": ("rule {rule} ({title}) allows only sites with {field} {wanted}; {site} has {there}", "use such a site, or end rule {rule}"),
        "never-at": ("rule {rule} ({title}) keeps out of sites with {field} {wanted}; {site} has {there}", "use another site, or end rule {rule}"),
        "control": ("rule {rule} ({title}) asks for a control of {wanted}; {site} has {there}", "take more into your own hands at {site}, use another site, or end rule {rule}"),
        "cedar": ("rule {rule} ({title}), policy {policy}, refuses {site}: {saw} ({verdict})", "change one of these, use another site, or end rule {rule}"),
    },
    "de": {
        "only-at": ("Regel {rule} ({title}) erlaubt nur Orte mit {field} {wanted}; {site} hat {there}", "einen solchen Ort nehmen oder Regel {rule} beenden"),
        "never-at": ("Regel {rule} ({title}) schließt Orte mit {field} {wanted} aus; {site} hat {there}", "einen anderen Ort nehmen oder Regel {rule} beenden"),
        "control": ("Regel {rule} ({title}) verlangt eine Kontrolle von {wanted}; {site} hat {there}", "in {site} mehr in die eigene Hand nehmen, einen anderen Ort nehmen oder Regel {rule} beenden"),
        "cedar": ("Regel {rule} ({title}), Teil {policy}, lehnt {site} ab: {saw} ({verdict})", "davon etwas ändern, einen anderen Ort nehmen oder Regel {rule} beenden"),
    },
}  # fmt: skip

UNKNOWN: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "jurisdiction-operator": ("it is not said under whose law {who} of {site} ({operator}) is; the label allows only {allowed}", "find out, and write it down as operator_country or parent_country of {site}"),
        "purpose": ("no purpose is given; the data were given for: {allowed}", "state one of these purposes"),
        "certificate": ("{site} is not certified for {scheme}", "have {scheme} certified until {until}"),
        "administrators": ("it is not said where the administrators of {site} sit; the label allows only {allowed}", "find out, and write it down as administrators.countries of {site}"),
        "latency-limit": ("it is not known how far {location} is from {site}; the limit is {limit} ms", "measure it, and write it down as the latency of a link"),
    },
    "de": {
        "jurisdiction-operator": ("es ist nicht gesagt, welchem Recht {who} von {site} ({operator}) untersteht; das Label erlaubt nur {allowed}", "es herausfinden und als operator_country oder parent_country von {site} eintragen"),
        "purpose": ("es ist kein Zweck angegeben; die Daten wurden gegeben für: {allowed}", "einen dieser Zwecke angeben"),
        "certificate": ("{site} ist nicht nach {scheme} zertifiziert", "{scheme} bis {until} zertifizieren lassen"),
        "administrators": ("es ist nicht gesagt, wo die Administratoren von {site} sitzen; das Label erlaubt nur {allowed}", "es herausfinden und als administrators.countries von {site} eintragen"),
        "latency-limit": ("es ist nicht bekannt, wie weit {location} von {site} entfernt ist; die Grenze ist {limit} ms", "es messen und als latency eines Links eintragen"),
    },
}  # fmt: skip
"""Where the fact itself is missing, which refuses too."""

DECIDING = {
    "jurisdiction-operator": "country", "purpose": "purpose", "certificate": "lapses",
    "administrators": "countries", "latency-limit": "latency",
}  # fmt: skip
"""The detail that is the fact behind a refusal."""

LOST = {
    "en": "; {country} would count by {law}, which is off or not in force",
    "de": "; {country} zählte durch {law}, das abgeschaltet oder nicht in Kraft ist",
}
"""Added where only a law stands between the country and the label."""


WHO = {
    "en": {"operator": "the operator", "parent": "the parent"},
    "de": {"operator": "der Betreiber", "parent": "die Muttergesellschaft des Betreibers"},
}
"""Whose law it is."""


def say(refusal: Refusal, language: str = "en") -> Sentence:
    """A refusal as sentences. A rule that users wrote is named with its title."""
    words = WORDS[language].get(refusal.rule) or USER[language][refusal.details["why"]]
    if refusal.details.get(DECIDING.get(refusal.rule, "")) in ("?", "—"):
        words = UNKNOWN[language][refusal.rule]
    values = {"rule": refusal.rule, **refusal.details}
    if "who" in values:
        values["who"] = WHO[language].get(values["who"], values["who"])
    reason = words[0] + (LOST[language] if "law" in refusal.details else "")
    return Sentence(_filled(reason, values), _filled(words[1], values))


def _filled(template: str, values: dict[str, str]) -> str:
    missing = {name: "?" for _, name, _, _ in Formatter().parse(template) if name and name not in values}
    return template.format(**{**missing, **values})
