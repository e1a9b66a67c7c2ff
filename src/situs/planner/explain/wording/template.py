"""Filling in the blanks of a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from string import Formatter


def names(template: str) -> frozenset[str]:
    """The blanks of a template."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its values; figures are rounded for people."""
    return template.format(**{name: _rounded(values.get(name, "?")) for name in names(template)})


def plain(value: object) -> str:
    """A value as people write it: no endless digits, no brackets."""
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "—"
    return _instant(str(value))


def _instant(text: str) -> str:
    """An instant without the signs that only programs need; other text as it is."""
    try:
        return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC" if "T" in text else text
    except ValueError:
        return text


def _rounded(value: str) -> str:
    """A bare number to five digits; everything else as it is."""
    try:
        return f"{float(value):.5g}" if "." in value and len(value) > 7 else value
    except ValueError:
        return value
