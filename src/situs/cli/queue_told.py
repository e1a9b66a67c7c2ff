"""Telling that a run waits for its turn in a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from situs.cli.output import emit_json, error_console, language

if TYPE_CHECKING:
    from situs.cli.run import Job

WORDS = {
    "en": "{name} waits for its turn in {queue}, with priority {priority}",
    "de": "{name} wartet in {queue}, bis es dran ist, mit Vorrang {priority}",
}


def tell_queued(job: Job) -> dict[str, object]:
    """To a person, or, where nothing follows, to a program; gives what a program is told."""
    told: dict[str, object] = {"name": job.name, "queue": job.queue, "priority": job.priority}
    if not job.as_json:
        text = WORDS[language()].format(**told)
        error_console.print(text, style="dim", soft_wrap=True, markup=False)
    elif job.detach:
        emit_json(told)
    return told
