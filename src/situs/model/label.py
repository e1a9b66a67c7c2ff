"""Labels: what data are allowed to do. A label is joined over everything that went into a thing."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field

from situs.model.base import Model
from situs.model.quantity import Days

HIGHEST_LEVEL = 4


class Label(Model):
    """How sensitive something is and what is allowed with it.

    ``None`` for jurisdictions or purposes means "no limit"; an empty set means "nowhere" or "for nothing".
    """

    level: Annotated[int, Field(ge=0, le=HIGHEST_LEVEL)] = HIGHEST_LEVEL
    """0 public, 1 internal, 2 confidential, 3 restricted, 4 special (health, secrets of state)"""
    categories: frozenset[str] = frozenset()
    """what kind of data it is: personal, health, payment, export-controlled, ..."""
    jurisdictions: frozenset[str] | None = None
    """countries (DE) and country groups (EU) whose law alone may govern it"""
    purposes: frozenset[str] | None = None
    """what it may be used for"""
    retention: Days | None = None
    """it must be gone after so many days; what is made from several things, after the fewest. Handed on to
    your own rules as ``retention_days``; situs itself deletes nothing"""
    obligations: frozenset[str] = frozenset()
    """what a place must offer: encrypt-at-rest, own-key, confidential-computing, dedicated, no-spot, ..."""
    certificates: frozenset[str] = frozenset()
    """schemes a place must be certified for, for the whole residence: ISO27001, C5, HDS, ..."""

    def join(self, other: Label) -> Self:
        """The label of something made from both: never laxer than either."""
        return type(self)(
            level=max(self.level, other.level),
            categories=self.categories | other.categories,
            jurisdictions=_meet(self.jurisdictions, other.jurisdictions),
            purposes=_meet(self.purposes, other.purposes),
            retention=min(
                (days for days in (self.retention, other.retention) if days is not None), default=None
            ),
            obligations=self.obligations | other.obligations,
            certificates=self.certificates | other.certificates,
        )


def _meet(one: frozenset[str] | None, two: frozenset[str] | None) -> frozenset[str] | None:
    if one is None:
        return two
    return one if two is None else one & two


UNKNOWN = Label()
"""What nobody has labelled is treated as the highest class."""
PUBLIC = Label(level=0)
"""The neutral element of the join."""
