"""What ``situs data`` says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from situs.cli.output import console, emit_json, language
from situs.cli.plane import duration
from situs.model.data_size import shown
from situs.model.error import SitusError
from situs.model.plural import counted

if TYPE_CHECKING:
    from situs.control.data.bringing import Brought
    from situs.control.data.known import Listed, MayNotBeThere

WORDS: Mapping[str, Mapping[str, Any]] = {
    "en": {
        "columns": ("data", "level", "site", "size", "files", "SHA-256", "age", "what to do"),
        "none": "the estate has no data; `datasets:` describes them",
        "missing": "missing", "nowhere": "nowhere", "undeclared": "the estate does not say so",
        "put": "{dataset} is at {site}: {size}, {files}, SHA-256 {sha256}",
        "same": "{dataset} was at {site} already: {size}, {files}, SHA-256 {sha256}",
        "would": "{dataset} would go to {site}: {size}, {files}; nothing was copied",
        "strange": "the estate does not say that {dataset} is at {site}, so runs elsewhere do not count on it; "
        "add it to its `replicas:`",
        "got": "{dataset} of {site} is copied to {target}: {size}, {files}, SHA-256 {sha256}",
        "sure": "remove {dataset} at {site} ({size}, {files})?",
        "last": "it is the only copy that is here; remove {dataset} at {site} ({size}, {files}) all the same?",
        "removed": "{dataset} is no longer at {site}", "kept": "nothing was removed", "already": "that was so already",
        "files": "{n} file|{n} files", "copying": "copying",
        "may": "it may be at {sites}: `situs data put {dataset} PATH --site {first}`",
        "nowhere-allowed": "no site of the estate may have it; `situs explain` and its label tell why",
    },
    "de": {
        "columns": ("Daten", "Stufe", "Ort", "Größe", "Dateien", "SHA-256", "Alter", "was zu tun ist"),
        "none": "der Bestand hat keine Daten; `datasets:` beschreibt sie",
        "missing": "fehlen", "nowhere": "nirgends", "undeclared": "im Bestand steht das nicht",
        "put": "{dataset} liegt in {site}: {size}, {files}, SHA-256 {sha256}",
        "same": "{dataset} lag schon in {site}: {size}, {files}, SHA-256 {sha256}",
        "would": "{dataset} käme nach {site}: {size}, {files}; kopiert wurde nichts",
        "strange": "im Bestand steht nicht, dass {dataset} in {site} liegt, also rechnet sonst nichts damit; "
        "unter `replicas:` ergänzen",
        "got": "{dataset} von {site} ist nach {target} kopiert: {size}, {files}, SHA-256 {sha256}",
        "sure": "{dataset} in {site} löschen ({size}, {files})?",
        "last": "das ist die einzige Kopie hier; {dataset} in {site} trotzdem löschen ({size}, {files})?",
        "removed": "{dataset} liegt nicht mehr in {site}", "kept": "gelöscht wurde nichts",
        "already": "das war schon so", "files": "{n} Datei|{n} Dateien", "copying": "kopiert",
        "may": "sein darf es in {sites}: `situs data put {dataset} PFAD --site {first}`",
        "nowhere-allowed": "kein Ort des Bestands darf es haben; warum, sagen `situs explain` und das Label",
    },
}  # fmt: skip


def refused(why_not: MayNotBeThere, as_json: bool) -> SitusError | typer.Exit:
    """Why they may not be there, by which rule, and where they may."""
    from situs.planner.explain.wording import say

    if as_json:
        emit_json(
            {
                "error": str(why_not), "dataset": why_not.dataset, "site": why_not.site,
                "rules": [refusal.rule for refusal in why_not.refusals], "may_be_at": list(why_not.allowed),
            }
        )  # fmt: skip
        return typer.Exit(1)
    words = WORDS[language()]
    why = "; ".join(f"{say(refusal, language())} ({refusal.rule})" for refusal in why_not.refusals)
    if why_not.allowed:
        sites, first = ", ".join(why_not.allowed), why_not.allowed[0]
        after = words["may"].format(sites=sites, dataset=why_not.dataset, first=first)
    else:
        after = words["nowhere-allowed"]
    return SitusError(f"{why_not.dataset} → {why_not.site}: {why}; {after}")


def cells(row: Listed, words: Mapping[str, Any]) -> tuple[str, ...]:
    """A row for people."""
    at, level = row.replica, str(row.level)
    if row.site is None:
        put = f"`situs data put {row.dataset} PATH --site SITE`"
        return (row.dataset, level, words["nowhere"], "", "", "", "", put)
    if at is None:
        put = f"`situs data put {row.dataset} PATH --site {row.site}`"
        return (row.dataset, level, row.site, words["missing"], "", "", "", put)
    age = duration((datetime.now(UTC) - at.at).total_seconds())
    note = "" if row.declared else words["undeclared"]
    digest = at.sha256[:12] if at.sha256 is not None else "?"
    return (row.dataset, level, row.site, shown(at.size_bytes), f"{at.files:,}", digest, age, note)


def values(row: Listed) -> dict[str, Any]:
    """A row for programs."""
    at = row.replica
    return {
        "dataset": row.dataset, "level": row.level, "site": row.site, "declared": row.declared,
        "present": at is not None, "bytes": at.size_bytes if at else None, "files": at.files if at else None,
        "sha256": at.sha256 if at else None, "at": at.at.isoformat() if at else None,
    }  # fmt: skip


def as_brought(done: Brought) -> dict[str, Any]:
    """What came of bringing it to one site, for programs."""
    at = done.replica
    return {
        "dataset": at.dataset, "site": at.site, "bytes": at.size_bytes, "files": at.files, "sha256": at.sha256,
        "at": at.at.isoformat(), "changed": done.changed, "before": done.before,
    }  # fmt: skip


def sizes(size_bytes: int, files: int, words: Mapping[str, Any]) -> dict[str, str]:
    """How large something is, in words."""
    return {"size": shown(size_bytes), "files": counted(words["files"], files)}


def say_done(what: str, **values: object) -> None:
    """Tell what was done."""
    console.print(WORDS[language()][what].format(**values), soft_wrap=True, markup=False)
