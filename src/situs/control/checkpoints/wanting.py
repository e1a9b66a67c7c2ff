"""What is wanted of checkpoints: where each is to be kept, when the next is due, what is not needed any more.

Pure, and from what is written down alone, so that it comes out the same whoever leads next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from situs.control.force import Force
from situs.control.wanted import Unit
from situs.model.workload import Workload
from situs.policy import Policy
from situs.store.checkpoints import Copy

WHOLE_ONES = 2
"""So many are kept at each site: the newest, and the one before should that turn out to be of no use."""


@dataclass(frozen=True)
class Keep:
    """What is wanted of the checkpoints of one workload."""

    names: tuple[str, ...]
    """files of its state"""
    sites: tuple[str, ...]
    """where they are to be kept and may be"""
    refused: Mapping[str, str]
    """where they may not be, with the rules that say so"""
    interval: timedelta


def wanted(force: Force) -> dict[str, Keep]:
    """Workloads whose checkpoints are to be kept somewhere."""
    found = {}
    for name in sorted(force.names):
        workload, policy = known(force, name)
        if workload is not None and workload.checkpoint and workload.checkpoint.kept_at and workload.run:
            sites = workload.checkpoint.kept_at
            refused = {site: why for site in sites if (why := _refused(name, site, policy))}
            interval = timedelta(hours=workload.checkpoint.interval)
            fine = tuple(site for site in sites if site not in refused)
            found[name] = Keep(workload.run.state, fine, refused, interval)
    return found


def known(force: Force, name: str) -> tuple[Workload | None, Policy | None]:
    """A workload of the estate or one that was handed in, and the rules that count for it."""
    own = force.submitted.plans.get(name)
    if own is not None:
        return own.intent.workloads.get(name), force.submitted.policy(name)
    return force.kept.intent.workloads.get(name), force.policy


def _refused(name: str, site: str, policy: Policy | None) -> str:
    if policy is None:
        return "the rules cannot be read, so nothing is allowed"
    if site not in policy.sites:
        return "the estate has no such site any more"
    return ", ".join(refusal.rule for refusal in policy.checkpoint_refusals(name, site))


def unfinished(copies: Sequence[Copy], keep: Keep) -> tuple[Copy, list[str]] | None:
    """The newest copy of a unit that was taken down and is not safe everywhere, and where it is not."""
    last = next((copy for copy in newest_first(copies) if copy.files is not None), None)
    if last is None or last.was("dropped", last.source):
        return None
    missing = [site for site in keep.sites if not last.was("safe", site) and not last.was("dropped", site)]
    return (last, missing) if missing else None


def is_due(copies: Sequence[Copy], keep: Keep, now: datetime) -> bool:
    """Whether the interval is over since the last one was taken down."""
    return all(now >= copy.at + keep.interval for copy in copies if copy.files is not None)


def not_needed(copies: Sequence[Copy], keep: Keep | None) -> Iterator[tuple[Copy, str]]:
    """Copies of a unit that nobody is to rely on any more, and where. ``keep``: None: none of them is wanted."""
    ordered = newest_first(copies)
    for place, copy in enumerate(ordered):
        newer = [other for other in ordered[:place] if other.files is not None]
        for site in sorted(copy.states):
            if copy.was("dropped", site):
                continue
            if keep is None or copy.files is None or _is_past(copy, site, newer, keep):
                yield copy, site


def _is_past(copy: Copy, site: str, newer: Sequence[Copy], keep: Keep) -> bool:
    """Whether a copy that was taken down is of no use at a site. ``newer``: those after it."""
    if site in keep.sites:
        if copy.was("safe", site):
            return sum(other.was("safe", site) for other in newer) >= WHOLE_ONES
        return bool(newer)
    if site == copy.source and not copy.was("safe", site):
        # It is only brought on from there.
        return bool(newer) or all(copy.was("safe", other) for other in keep.sites)
    if site in keep.refused:
        return True
    # It was named once, and lets go of what it has when others have it.
    return any(set(other.safe_at) & set(keep.sites) for other in (copy, *newer))


def newest_first(copies: Sequence[Copy]) -> list[Copy]:
    """By the run that wrote them, and then by time."""
    return sorted(copies, key=lambda copy: (copy.generation, copy.at), reverse=True)


def of_unit(copies: Sequence[Copy], unit: Unit) -> list[Copy]:
    """Those of one unit."""
    return [copy for copy in copies if (copy.workload, copy.unit) == (unit.workload, unit.number)]
