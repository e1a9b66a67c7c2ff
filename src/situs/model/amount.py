"""How amounts of money are written: one way for programs and one for people, wherever they come from.

It needs nothing that takes time to load: commands that people wait for all day write amounts too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any

FEW_DIGITS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"), 0),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # fmt: skip
"""ISO 4217: how many digits a currency's amounts have; all others have two."""


def plain(amount: Decimal) -> str:
    """An amount for programs: all its digits, and neither an exponent nor a digit that says nothing.

    Amounts that are equal are written alike, such as a sum of zeros and zero divided by hours.
    """
    text = f"{amount:f}"
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return "0" if text == "-0" else text


def shown(amount: Decimal, currency: str) -> str:
    """An amount for people: with the digits of its currency, and two more for what would be nothing then."""
    digits = FEW_DIGITS.get(currency, 2)
    text = f"{amount:.{digits}f}"
    if amount and not Decimal(text):
        text = f"{amount:.{digits + 2}f}"
    return text


class Plain:
    """Has pydantic write an amount so in JSON."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """What pydantic asks for."""
        from pydantic_core import core_schema

        schema = handler(source)
        schema["serialization"] = core_schema.plain_serializer_function_ser_schema(
            plain, return_schema=core_schema.str_schema(), when_used="json"
        )
        return schema


Exact = Annotated[Decimal, Plain()]
"""An amount that JSON has as :func:`plain` writes it."""
