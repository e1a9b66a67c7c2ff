"""Why something may not be somewhere: the rule, the fact behind it, and what would lift it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from situs.model.base import Model


class Refusal(Model):
    """One reason. The words are made from ``rule`` and ``details`` by the catalogue of each language."""

    rule: str
    """id of the rule, such as ``clearance``"""
    details: Mapping[str, str] = Field(default_factory=dict)
    """the values that go into the sentence: label level, site level, country, ..."""
    anchor: str | None = None
    """the law, contract or decision behind the rule"""
    source: str | None = None
    """where the fact comes from: file and line, or a dated catalogue"""
