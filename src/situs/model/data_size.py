"""How sizes of data are shown."""

from __future__ import annotations

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
"""Decimal, as the estate's ``size_gb`` is."""


def shown(size_bytes: int) -> str:
    """So many bytes, in the largest unit of which there is at least one."""
    value = float(size_bytes)
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            break
        value /= 1000
    return f"{size_bytes} B" if unit == "B" else f"{value:.1f} {unit}"
