"""Every site, asked through its own adapter: all at once, and none waited for longer than the others are worth.

Who is asked runs on a thread of its own that nobody waits for in the end: a host that is gone may keep it for as
long as TCP believes in it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from situs.control.connect import Connect
from situs.control.doctor.accelerators import accelerators
from situs.control.doctor.finding import Finding, Level
from situs.model.error import InputError, SitusError
from situs.model.estate import Site
from situs.sites.adapter import CredentialOver, Health, Unreachable
from situs.sites.hostkeys import NotTrusted
from situs.sites.registry import rented

CLOCK_S = 5.0
"""A clock that is off by more makes logs hard to read side by side."""
CLOCK_BAD_S = 60.0
"""One that is off by more breaks tokens and certificates."""
LITTLE_GIB, TOO_LITTLE_GIB = 5.0, 0.2
"""Room for runs: a checkpoint of a small model, and not even logs."""
LAST_PART = 0.25
"""Who renews a credential by itself does so before so little of its time is left."""
SOON = timedelta(days=7)
"""Earlier than that nobody need know."""


def sites(estate: Mapping[str, Site], connect: Connect, deadline_s: float) -> tuple[list[Finding], bool]:
    """How all of them are; and whether some were still silent when the time was over."""
    answers: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()
    for name, site in estate.items():
        threading.Thread(
            target=lambda n, s: answers.put((n, _asked(n, s, connect))), args=(name, site), daemon=True
        ).start()
    until = time.monotonic() + deadline_s
    found: dict[str, list[Finding]] = {}
    while len(found) < len(estate):
        try:
            name, findings = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        found[name] = findings
    silent = [
        Finding("site-silent", "error", name, {"deadline": deadline_s})
        for name in estate
        if name not in found
    ]
    return [*(finding for name in estate for finding in found.get(name, ())), *silent], bool(silent)


def _asked(name: str, site: Site, connect: Connect) -> list[Finding]:
    began = time.monotonic()
    try:
        adapter = connect(name, site)
        # It raises what health only tells of, so that a key is not taken for a line.
        inventory = adapter.inventory()
        health = adapter.health()
    except InputError as error:
        return [Finding("site-options", "error", name, cause=str(error))]
    except NotTrusted as error:
        return [Finding("site-key", "error", name, cause=str(error))]
    except CredentialOver as error:
        return [Finding("site-credential-over", "error", name, cause=str(error), next_step=error.next_step)]
    except Unreachable as error:
        return [Finding("site-away", "error", name, cause=str(error))]
    except SitusError as error:
        return [Finding("site-broken", "error", name, cause=str(error))]
    except Exception as error:
        return [Finding("site-fault", "error", name, cause=f"{type(error).__name__}: {error}")]
    if not health.ok:
        return [Finding("site-broken", "error", name, cause=health.cause, next_step=health.next_step)]
    answer_s = time.monotonic() - began
    apart = ", ".join(inventory.isolation)
    return [
        Finding(
            "site-answers", "ok", name, {"seconds": answer_s, "cpus": inventory.cpus, "apart": apart or "—"}
        ),
        *([] if apart else [Finding("site-apart", "warning", name)]),
        *_clock(name, health),
        *_disk(name, health),
        *_mode(name, health),
        *_credential(name, health, now := datetime.now(UTC)),
        # What is rented is there only while something runs on it.
        *(
            []
            if any(rented(site, pool) for pool in site.pools)
            else accelerators(name, site, inventory.accelerators, now)
        ),
    ]


def _clock(name: str, health: Health) -> Iterator[Finding]:
    off = abs(health.clock_ahead_s)
    if off > CLOCK_S:
        level: Level = "error" if off > CLOCK_BAD_S else "warning"
        yield Finding(
            "site-ahead" if health.clock_ahead_s > 0 else "site-behind", level, name, {"seconds": off}
        )


def _disk(name: str, health: Health) -> Iterator[Finding]:
    if health.free_gib is not None and health.free_gib < LITTLE_GIB:
        level: Level = "error" if health.free_gib < TOO_LITTLE_GIB else "warning"
        yield Finding("site-disk", level, name, {"gib": health.free_gib})


def _mode(name: str, health: Health) -> Iterator[Finding]:
    if health.mode is not None and health.mode[4:10] != "------":
        yield Finding("site-mode", "warning", name, {"mode": health.mode})


def _credential(name: str, health: Health, now: datetime) -> Iterator[Finding]:
    held = health.credential
    if held is None:
        return
    early = SOON if held.begins is None else min(SOON, LAST_PART * (held.ends - held.begins))
    if held.ends - now <= early:
        yield Finding(
            "site-credential",
            "warning",
            name,
            {"minutes": (held.ends - now).total_seconds() / 60, "ends": f"{held.ends:%Y-%m-%d %H:%M}"},
            cause=held.what,
            next_step=held.next_step,
        )
