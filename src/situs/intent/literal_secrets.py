"""Secrets that were written out in an estate, where a reference should stand.

It is a warning and no error: what looks like a secret may be none.  The value itself is never shown again.
"""

from __future__ import annotations

from collections.abc import Iterator

from situs.intent.loader import Loaded
from situs.model.error import Problem
from situs.model.secret import looks_secret, reference


def literal_secrets(loaded: Loaded) -> Iterator[Problem]:
    """Variables of workloads and options of sites that seem to hold secrets, each at its place."""
    for name, workload in loaded.intent.workloads.items():
        for variable, value in workload.run.env.items() if workload.run else ():
            if looks_secret(variable, value):
                fix = f"move it out of the estate, and say where it is kept: run.secrets: {{{variable}: file:NAME}}"
                at = loaded.position("workloads", name, "run", "env", variable)
                yield Problem(f"{name}: the variable {variable} seems to hold a secret", at, fix)
    for name, site in loaded.intent.sites.items():
        for option, value in site.adapter.options.items():
            if looks_secret(option, value) and option != "host_keys" and not _is_reference(value):
                at = loaded.position("sites", name, "adapter", "options", option)
                fix = "move it out of the estate, and change the secret"
                yield Problem(f"{name}: the option {option} seems to hold a secret", at, fix)


def _is_reference(text: str) -> bool:
    try:
        reference(text)
    except ValueError:
        return False
    return True
