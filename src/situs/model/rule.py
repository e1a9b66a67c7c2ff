"""Rules: hard requirements. They remove candidates and never trade against cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from situs.model.base import Instant, Model, Name
from situs.model.estate import SiteKind
from situs.model.label import HIGHEST_LEVEL
from situs.model.quantity import Share
from situs.model.workload import Stage

OF_SITES = frozenset({"kind", "operator", "country", "certificate"})
OF_SUBJECTS = frozenset({"stage", "use_case", "category", "min_level"})
EMPTY: tuple[object, ...] = (None, frozenset())


class Match(Model):
    """A simple selector; every field that is given must hold. Values of one field are alternatives."""

    name: frozenset[str] = frozenset()
    kind: frozenset[SiteKind] = frozenset()
    """of a site"""
    operator: frozenset[str] = frozenset()
    country: frozenset[str] = frozenset()
    """of a site: countries or country groups"""
    certificate: frozenset[str] = frozenset()
    """of a site, valid now"""
    stage: frozenset[Stage] = frozenset()
    """of a workload"""
    use_case: frozenset[str] = frozenset()
    category: frozenset[str] = frozenset()
    """of a label: any of these"""
    min_level: Annotated[int, Field(ge=0, le=HIGHEST_LEVEL)] | None = None
    """of a label: at least this"""


class Rule(Model):
    """One of: a selector (who may only go where), a Cedar text, or the setting of a built-in limit."""

    title: str
    owner: str | None = None
    anchor: str | None = None
    """the law, contract or decision it comes from"""
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    applies_to: Match | None = None
    """the workloads or datasets it is about"""
    only_at: Match | None = None
    """they may be only at such sites"""
    never_at: Match | None = None
    """they may not be at such sites"""
    cedar: str | None = None
    """Cedar policies that forbid; see the policy reference"""
    min_control: Share | None = None
    """the least control score of a site for what it applies to"""
    max_operator_share: Mapping[str, Share] = Field(default_factory=dict)
    """the largest share of all placed units at one operator; ``*`` for each"""
    off: frozenset[Name] = frozenset()
    """ids of built-in rules and laws this rule switches off, by its anchor"""

    @model_validator(mode="after")
    def _selects_what_is_there(self) -> Self:
        # A field that means nothing here would select everything, and the rule would do what nobody wrote.
        for role, match, wrong in (
            ("applies_to", self.applies_to, OF_SITES),
            ("only_at", self.only_at, OF_SUBJECTS),
            ("never_at", self.never_at, OF_SUBJECTS),
        ):
            # By value: a recorded rule is read with all its fields, the empty ones too.
            given = sorted(name for name in wrong if match is not None and getattr(match, name) not in EMPTY)
            if given:
                whose = "a site" if wrong is OF_SITES else "a workload or dataset"
                raise ValueError(f"{role} cannot select by {', '.join(given)}: only {whose} has it")
        return self

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        parts = (self.only_at, self.never_at, self.cedar, self.min_control, self.max_operator_share, self.off)
        if not any(part is not None and part != {} and part != frozenset() for part in parts):
            raise ValueError(
                "the rule requires nothing; give only_at, never_at, cedar, min_control, max_operator_share or off"
            )
        return self
