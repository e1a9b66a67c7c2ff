"""What people rehearse, put together: several changes of the world become one drill with a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial, reduce

from pydantic import ValidationError

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.money import KwhPrice
from situs.planner.analysis import changes
from situs.planner.analysis.whatif import Drill

NAMES = {
    "en": {
        "with": "with {name}", "down": "{name} down", "price": "prices of {name} {percent}",
        "kwh": "electricity at {price}", "demand": "demand of {name} {times}x", "off": "{name} off",
    },
    "de": {
        "with": "mit {name}", "down": "{name} fällt aus", "price": "Preise von {name} {percent}",
        "kwh": "Strom zu {price}", "demand": "Bedarf von {name} {times}x", "off": "{name} abgeschaltet",
    },
}  # fmt: skip
"""What is changed, as parts of a drill's name."""

Step = Callable[[Intent], Intent]


def combined(
    *,
    added: Mapping[str, Intent] | None = None,
    site_down: Iterable[str] = (),
    price: Mapping[str, Decimal] | None = None,
    kwh: KwhPrice | None = None,
    demand: Mapping[str, float] | None = None,
    law_off: Iterable[str] = (),
    language: str = "en",
) -> Drill:
    """One drill: added first, then gone, then dearer, then more. Raises InputError when nothing is changed.

    ``language``: of its name.
    """
    said = NAMES[language]
    steps: list[Step] = []
    words: list[str] = []
    for name, more in (added or {}).items():
        steps.append(partial(changes.with_more, more=more))
        words.append(said["with"].format(name=name))
    for name in site_down:
        steps.append(partial(changes.with_site_down, name=name))
        words.append(said["down"].format(name=name))
    for name, factor in (price or {}).items():
        steps.append(partial(changes.with_price, operator=name, factor=factor))
        words.append(said["price"].format(name=name, percent=_percent(factor)))
    if kwh is not None:
        steps.append(partial(changes.with_kwh, price=kwh))
        words.append(said["kwh"].format(price=kwh))
    for name, times in (demand or {}).items():
        steps.append(partial(changes.with_demand, name=name, factor=times))
        words.append(said["demand"].format(name=name, times=f"{times:g}"))
    off = frozenset(law_off)
    words.extend(said["off"].format(name=name) for name in sorted(off))
    if not words:
        raise InputError(
            "nothing to rehearse; give a price, a site that is down, a law, a demand, a site to add or a price "
            "of electricity"
        )
    return Drill(", ".join(words), lambda intent: reduce(lambda i, step: step(i), steps, intent), off)


def kwh_price(text: str) -> KwhPrice:
    """``0.40EUR`` or ``0.40 EUR/kWh`` as a price. Raises InputError."""
    amount = re.sub(r"(?i)\s*/\s*kwh$", "", text.strip())
    try:
        return KwhPrice.model_validate(f"{amount}/kWh")
    except ValidationError:
        raise InputError(f"{text!r} is not a price of electricity; write 0.40EUR") from None


def _percent(factor: Decimal) -> str:
    return f"{float((factor - 1) * 100):+g}%"
