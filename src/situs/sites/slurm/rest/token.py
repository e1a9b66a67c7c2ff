"""The token that a user of Slurm is known by at its REST daemon: a JSON Web Token, read here but never verified."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from situs.model.error import SitusError


@dataclass(frozen=True)
class Token:
    """What a token says."""

    text: str = field(repr=False)
    user: str | None
    begins: datetime | None
    """None: it does not say"""
    ends: datetime | None
    """None: never"""


def token_of(text: str) -> Token:
    """The token in what ``scontrol token`` prints, or alone. Raises SitusError, which shows nothing of it."""
    text = text.strip().removeprefix("SLURM_JWT=")
    try:
        body = text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        begins, ends = (_instant(claims.get(claim)) for claim in ("iat", "exp"))
    except (IndexError, ValueError, TypeError, AttributeError, OverflowError):
        raise SitusError(
            "what is kept as token of slurmrestd is no JSON Web Token; `scontrol token` writes one"
        ) from None
    user = claims.get("sun")
    return Token(text, user if isinstance(user, str) else None, begins, ends)


def _instant(claim: float | None) -> datetime | None:
    return None if claim is None else datetime.fromtimestamp(claim, UTC)
