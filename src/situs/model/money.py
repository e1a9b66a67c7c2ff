"""Money: a decimal amount with a currency, and prices per unit such as ``0.09 USD/GB``."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    model_serializer,
    model_validator,
)

_AMOUNT = re.compile(
    r"([+-]?(?:[0-9][0-9_,']*(?:\.[0-9]+)?|\.[0-9]+))\s*([A-Z]{3})(?:\s*/\s*([A-Za-z-]+))?", re.ASCII
)
LARGEST_AMOUNT = Decimal("1e15")
"""No estate is priced beyond this; a larger figure is a slip of the keyboard that would drown the others."""


class Money(BaseModel):
    """An amount in one currency (ISO 4217). Text such as ``1200 EUR`` is accepted wherever money is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    per: ClassVar[tuple[str, ...]] = ()
    """the unit the amount is for and its accepted spellings; empty for plain money"""

    amount: Decimal
    currency: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            if isinstance(value, int | float):
                raise ValueError(f"{value!r} has no currency; write {cls._example()}")
            return value
        match = _AMOUNT.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not an amount of money; write {cls._example()}")
        if (match[3] or None) not in (cls.per or (None,)):
            raise ValueError(
                f"{value!r} is not {f'a price per {cls.per[0]}' if cls.per else 'a plain amount'}; "
                f"write {cls._example()}"
            )
        return {"amount": Decimal(re.sub("[_,']", "", match[1])), "currency": match[2]}

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.amount.is_finite() or abs(self.amount) > LARGEST_AMOUNT:
            raise ValueError(f"an amount of {self.amount} {self.currency} is not usable")
        if self.per and self.amount < 0:
            raise ValueError(f"a price of {self.amount} {self.currency} is negative")
        if re.fullmatch("[A-Z]{3}", self.currency, re.ASCII) is None:
            raise ValueError(f"{self.currency!r} is not a currency code such as EUR")
        return self

    @classmethod
    def _example(cls) -> str:
        return f"'0.09 USD/{cls.per[0]}'" if cls.per else "'1200 EUR'"

    @model_serializer
    def _to_text(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}" + (f"/{self.per[0]}" if self.per else "")

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        unit = f"\\s*/\\s*({'|'.join(cls.per)})" if cls.per else ""
        return {
            "type": "string",
            "title": cls.__name__,
            "description": f"such as {cls._example()}",
            "pattern": r"^\s*[+-]?([0-9][0-9_,']*(\.[0-9]+)?|\.[0-9]+)\s*[A-Z]{3}" + unit + r"\s*$",
        }


class HourPrice(Money):
    """Per hour."""

    per = ("h", "hour")


class GbPrice(Money):
    """Per GB moved."""

    per = ("GB",)


class GbMonthPrice(Money):
    """Per GB kept for a month."""

    per = ("GB-month",)


class KwhPrice(Money):
    """Per kilowatt-hour of electricity."""

    per = ("kWh",)


class MonthPrice(Money):
    """Per month."""

    per = ("month",)


class YearPrice(Money):
    """Per year."""

    per = ("year",)


class TonnePrice(Money):
    """Per tonne of CO2 equivalent."""

    per = ("t",)


def _not_negative(value: Any) -> Any:
    money = Money.model_validate(value)
    if money.amount < 0:
        raise ValueError(f"{money} is negative")
    return money


PositiveMoney = Annotated[Money, BeforeValidator(_not_negative)]
"""Money of zero or more."""
