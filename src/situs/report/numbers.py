"""Numbers, money and dates as people of each language write them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


def number(value: float | Decimal, language: str, digits: int = 2) -> str:
    """``1,234.50`` or ``1.234,50``."""
    text = f"{value:,.{digits}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "de" else text


def money(value: float | Decimal, currency: str, language: str, digits: int = 2) -> str:
    """``€1,234.50`` or ``1.234,50 €``; currencies without a sign keep their code."""
    sign = SYMBOLS.get(currency)
    text = number(value.copy_abs() if isinstance(value, Decimal) else abs(value), language, digits)
    minus = "−" if round(float(value), digits) < 0 else ""
    # A figure and its currency stay on one line.
    if language == "de":
        return f"{minus}{text}\u00a0{sign or currency}"
    return f"{minus}{sign}{text}" if sign else f"{minus}{text}\u00a0{currency}"


def percent(value: float, language: str, digits: int = 0) -> str:
    """``12%`` or ``12 %``."""
    return number(value * 100, language, digits) + ("\u202f%" if language == "de" else "%")


def day(instant: datetime, language: str) -> str:
    """``23 November 2026`` or ``23.11.2026``."""
    return f"{instant:%d.%m.%Y}" if language == "de" else f"{instant.day} {instant:%B %Y}"
