"""What is told of checkpoints."""

from __future__ import annotations

from situs.model.data_size import shown
from situs.store.checkpoints import Copy


def said_safe(copy: Copy, site: str, sent_bytes: int) -> str:
    """That it is whole at a site."""
    count = len(copy.files or ())
    many = "1 file" if count == 1 else f"{count} files"
    sent = "" if site == copy.source else f", {shown(sent_bytes)} of it sent"
    return f"its checkpoint of {named(copy)} is safe at {site} ({many}, {shown(copy.size_bytes)}{sent})"


def said_restored(copy: Copy, site: str, target: str, lost_s: float) -> str:
    """What a run goes on from, and what of the work before is lost."""
    steps = "" if copy.step is None else f", and all after step {copy.step}"
    return (
        f"goes on at {target} from its checkpoint of {named(copy)} that was kept at {site}; "
        f"work of at most {lost_s:.0f} s is done again{steps}"
    )


def named(copy: Copy) -> str:
    """When it was taken down, and after which step where that is known."""
    step = "" if copy.step is None else f", step {copy.step}"
    return f"{copy.at:%Y-%m-%d %H:%M:%S}Z{step}"
