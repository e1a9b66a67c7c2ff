"""A table with one row for each service, for whoever has only a spreadsheet.

Headings may be English or German, in any order; all but ``name`` may be missing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from situs.intent.hints import shortened
from situs.intent.importing.accelerators import accelerator_name
from situs.intent.importing.columns import COLUMNS
from situs.intent.importing.draft import Draft, sound_name
from situs.intent.importing.result import Imported
from situs.intent.importing.table import Table, with_point
from situs.model.error import Position
from situs.model.money import Money
from situs.model.quantity import BYTES, FRACTIONS, SECONDS

UNITS: Mapping[str, Mapping[str, float]] = {"size": BYTES, "time": SECONDS, "share": FRACTIONS}
OWN_UNITS = {"memory": "GiB", "gpu_memory": "GiB", "disk": "GB", "gb_per_month": "GB", "data_gb": "GB",
             "hours": "h", "latency": "ms"}  # fmt: skip
SIGNS = {"€": "EUR", "$": "USD", "£": "GBP"}
COSTS = frozenset(
    {"cost", "costs", "cost_per_month", "monthly_cost", "price", "kosten", "monatskosten", "preis"}
)
"""Headings of what today's places cost, which nobody types for something else."""
CLOSE = 0.75
"""How alike a heading must be to one that is known to count as a slip and not as a column of its own, ..."""
SHORT = 4
"""... which no shorter one does."""


def read_spreadsheet(table: Table, currency: str | None = None) -> Imported:
    """One workload for each row. ``currency`` is that of amounts without one."""
    draft = Draft("a table of services")
    if table.encoding != "UTF-8":
        draft.assumed(
            Position(table.file), "encoding", f"{table.encoding}; save as UTF-8 to be sure of all letters"
        )
    columns = _columns(draft, table)
    rows = [_Row(draft, table, at, cells, columns, currency) for at, cells in table.rows()]
    if "name" in columns.values():
        _sites(draft, rows)
        for row in rows:
            row.add()
        _use_cases(draft, rows)
    if not rows:
        draft.problem(Position(table.file), "the table has no rows")
    return draft.finished()


def heading(text: str) -> tuple[str, str]:
    """A heading in its plain form, and the unit that stands in it: ``Speicher (TB)`` is speicher, TB."""
    unit = re.search(r"[\[(]\s*([A-Za-z%/]+)\s*[\])]", text)
    bare = text[: unit.start()] + text[unit.end() :] if unit else text
    return re.sub(r"[^a-z0-9]+", "_", sound_name(bare).lower()).strip("_"), unit[1] if unit else ""


def _columns(draft: Draft, table: Table) -> dict[int, str]:
    """What each column of the table means; the others are told."""
    by_name = {alias: name for name, column in COLUMNS.items() for alias in (name, *column.also)}
    at = Position(table.file, 1, 1)
    found: dict[int, str] = {}
    for number, text in enumerate(table.header):
        plain, _ = heading(text)
        name = by_name.get(plain)
        if plain in COSTS:
            draft.unmapped(at, f"column {text!r}", "costs are worked out: give prices to the pools of sites")
        elif name is None:
            close = difflib.get_close_matches(plain, by_name, n=1, cutoff=CLOSE)
            if close and _slip(plain, close[0]):
                draft.problem(at, f"there is no column {shortened(text, 100)!r}", f"did you mean {close[0]}?")
            elif text:
                draft.unmapped(at, f"column {text!r}", "it is not known; see `situs import csv --columns`")
        elif name in found.values():
            draft.problem(
                at, f"the column {text!r} stands for {name}, and so does another", "keep one of them"
            )
        else:
            found[number] = name
    if "name" not in found.values() and not any(plain == "name" for plain, _ in map(heading, table.header)):
        draft.problem(at, "there is no column name", f"there are {shortened(', '.join(table.header), 200)}")
    return found


def _slip(plain: str, known: str) -> bool:
    """Whether a heading is a misspelling: short words are alike by chance, and mean something of their own."""
    return min(len(plain), len(known)) > SHORT and plain[0] == known[0]


class _Row:
    """One row on its way to a workload."""

    def __init__(
        self, draft: Draft, table: Table, at: Position, cells: list[str], columns: Mapping[int, str],
        currency: str | None,
    ) -> None:  # fmt: skip
        self.at = at
        self._draft = draft
        self._comma = table.separator != ","
        self._currency = currency
        self.values: dict[str, Any] = {}
        if len(cells) > len(table.header):
            draft.problem(
                at, f"the row has {len(cells)} cells, the header {len(table.header)}",
                "quote cells that contain the separator",
            )  # fmt: skip
        for number, name in columns.items():
            cell = cells[number] if number < len(cells) else ""
            if cell:
                value = self._value(name, cell, heading(table.header[number])[1])
                if value is not None:
                    self.values[name] = value
        self.name = ""

    def _value(self, name: str, cell: str, unit: str) -> Any:
        """A cell as the value that its column asks for."""
        kind = COLUMNS[name].kind
        if kind == "text":
            return cell
        if kind == "name":
            return sound_name(cell) or None
        if kind == "list":
            return [part.strip() for part in re.split(r"[/;,|+]", cell) if part.strip()]
        if kind == "date":
            return self._date(cell)
        try:
            text = with_point(cell, self._comma)
        except ValueError as error:
            self._draft.problem(self.at, f"{name}: {error}")
            return None
        reader: Callable[[str, str, str], Any] = {
            "month_money": self._money, "whole": self._number, "number": self._number
        }.get(kind, self._quantity)  # fmt: skip
        return reader(name, text, unit)

    def _number(self, name: str, text: str, unit: str) -> int | float | None:
        try:
            number = float(text)
        except ValueError:
            self._draft.problem(self.at, f"{name}: {shortened(text, 60)!r} is not a number")
            return None
        if COLUMNS[name].kind == "whole" and not number.is_integer():
            self._draft.problem(self.at, f"{name}: {shortened(text, 60)!r} is not a whole number")
            return None
        return int(number) if COLUMNS[name].kind == "whole" else number

    def _quantity(self, name: str, text: str, unit: str) -> str:
        """The number with its unit: the cell's own, else the heading's, else that of the field."""
        if name in ("memory", "gpu_memory"):
            # Memory is made in powers of two, whatever a sheet calls them.
            text, unit = (re.sub(r"(?<![A-Za-z])([KMGTP])B$", r"\1iB", part) for part in (text, unit))
        if not re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", text, re.IGNORECASE):
            return text
        units = UNITS[COLUMNS[name].kind]
        return f"{text} {unit if unit in units else OWN_UNITS.get(name, '')}".strip()

    def _money(self, name: str, text: str, unit: str) -> str | None:
        for sign, sign_code in SIGNS.items():
            if sign in text:
                text = f"{text.replace(sign, '').strip()} {sign_code}"
        amount, _, per = text.partition("/")
        amount = amount.strip()
        if re.fullmatch(r"[+-]?[0-9.]+", amount):
            code: str | None = unit if re.fullmatch("[A-Z]{3}", unit) else self._currency
            if code is None:
                self._draft.problem(
                    self.at, f"{name}: {text!r} has no currency", "write 1200 EUR, or give --currency"
                )
                return None
            amount = f"{amount} {code}"
        months = {"": 1, "month": 1, "monat": 1, "mon": 1, "year": 12, "jahr": 12, "a": 12}.get(
            per.strip().lower()
        )
        if months is None:
            self._draft.problem(self.at, f"{name}: {text!r} is not an amount a month")
            return None
        if months > 1:
            try:
                money = Money.model_validate(amount)
            except ValueError:
                return f"{amount}/month"
            return f"{(money.amount / Decimal(months)).quantize(Decimal('0.01'))} {money.currency}/month"
        return f"{amount}/month"

    def _date(self, cell: str) -> str:
        german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\s+(\d{1,2}:\d{2}))?", cell)
        if german is None:
            return cell
        time = f"T{german[4].zfill(5)}:00" if german[4] else ""
        return f"{german[3]}-{int(german[2]):02}-{int(german[1]):02}{time}"

    def _lost(self, what: str, why: str) -> None:
        self._draft.unmapped(self.at, what, why, ("workloads", self.name))

    def add(self) -> None:
        """Put the row into the draft."""
        value = self.values
        if "name" not in value:
            self._draft.problem(self.at, "the row has no usable name")
            return
        self.name = value["name"]
        if self._draft.has("workloads", self.name):
            self._draft.problem(
                self.at, f"{self.name!r} is there a second time", "give each row its own name"
            )
            return
        entry = {
            key: value.get(key)
            for key in ("title", "owner", "purpose", "count", "priority", "availability", "class")
        }
        entry |= {key: value.get(key) for key in ("value", "budget")}
        entry |= self._kind_of_work()
        entry["shapes"] = [self._shape()]
        self._place(entry)
        self._data(entry)
        self._users(entry)
        self._draft.add("workloads", self.name, entry, self.at)

    def _kind_of_work(self) -> dict[str, Any]:
        value = self.values
        if "hours" in value and "requests_per_s" in value:
            self._draft.problem(
                self.at,
                f"{self.name}: hours make it a job and requests_per_s a service",
                "leave one of them empty",
            )
        stage = str(value.get("stage", "")).strip().lower()
        if not stage:
            stage = "batch" if "hours" in value else "serve"
            self._draft.assumed(self.at, "stage", f"{stage} is written", ("workloads", self.name))
        if "hours" in value:
            job = {"work": value["hours"], "per_month": value.get("runs_per_month")}
            job |= {"earliest": value.get("earliest"), "deadline": value.get("deadline")}
            if "gb_per_month" in value:
                self._lost(f"gb_per_month {value['gb_per_month']}", "only services send to users")
            return {"stage": stage, "job": {k: v for k, v in job.items() if v is not None}}
        if "requests_per_s" not in value:
            self._draft.assumed(
                self.at, "requests per second", "1 replica of 1/s is written; fill in requests_per_s",
                ("workloads", self.name),
            )  # fmt: skip
        for field in ("runs_per_month", "earliest", "deadline"):
            if field in value:
                self._lost(f"{field} {value[field]}", "only jobs have runs; give hours to make it one")
        service = {
            "requests_per_s": value.get("requests_per_s", 1.0),
            "gb_per_month": value.get("gb_per_month"),
        }
        return {"stage": stage, "service": {k: v for k, v in service.items() if v is not None}}

    def _shape(self) -> dict[str, Any]:
        value = self.values
        shape: dict[str, Any] = {}
        for field, unit in (("cpu", " core"), ("memory", "GiB")):
            if field not in value:
                self._draft.assumed(self.at, field, f"1{unit} is written", ("workloads", self.name))
            shape[field] = value.get(field, 1.0)
        shape |= {key: value[key] for key in ("disk", "nodes") if key in value}
        models = [
            accelerator_name(part) for part in re.split(r"[/;,|]", value.get("gpu", "")) if part.strip()
        ]
        models = [model for model in models if model not in ("NONE", "NO", "-", "0", "KEINE", "NEIN")]
        gpus = value.get("gpus", 1.0 if models else 0.0)
        if models and "gpus" not in value:
            self._draft.assumed(self.at, "gpus", "1 is written", ("workloads", self.name))
        if gpus:
            shape["accelerators"] = gpus
            if models:
                shape["accelerator"] = models
            if "gpu_memory" in value:
                shape["accelerator_memory"] = value["gpu_memory"]
        if "requests_per_replica" in value:
            shape["throughput"] = value["requests_per_replica"]
        return shape

    def _place(self, entry: dict[str, Any]) -> None:
        site = self.values.get("site")
        if site is None:
            return
        if self._draft.has("sites", site):
            entry["current"] = {"site": site}
        else:
            self._lost(
                f"site {site}", "give site_kind and site_country in one of its rows, and it is written too"
            )

    def _data(self, entry: dict[str, Any]) -> None:
        value = self.values
        label: dict[str, Any] = {
            key: value[key] for key in ("level", "categories", "jurisdictions", "purposes") if key in value
        }
        if label and "level" not in label:
            self._draft.assumed(self.at, "level", "4, the highest, is written", ("workloads", self.name))
        names = [sound_name(text) for text in value.get("data", [])]
        if not names:
            if label:
                entry["label"] = label
            if "data_gb" in value:
                self._lost(f"data_gb {value['data_gb']}", "the data have no name; fill in the column data")
            return
        entry["inputs"] = [{"dataset": name} for name in dict.fromkeys(filter(None, names))]
        for item in entry["inputs"]:
            self._dataset(item["dataset"], label)

    def _dataset(self, name: str, label: dict[str, Any]) -> None:
        here = ("datasets", name)
        draft, value = self._draft, self.values
        if draft.has("datasets", name):
            known = draft.entry("datasets", name)
            if "data_gb" in value and known["size_gb"] != value["data_gb"]:
                self._lost(f"size {value['data_gb']} of {name}", f"an earlier row says {known['size_gb']}")
            if label and known.get("label") != label:
                self._lost(f"label of {name}", "an earlier row says something else")
            return
        entry: dict[str, Any] = {
            "size_gb": value.get("data_gb", 0.0),
            "label": label,
            "owner": value.get("owner"),
        }
        if "data_gb" not in value:
            draft.assumed(self.at, f"size of {name}", "0GB is written; fill in data_gb", here)
        if not label:
            draft.assumed(
                self.at, f"label of {name}", "none is written: it counts as the highest class", here
            )
        if draft.has("sites", value.get("site", "")):
            entry["replicas"] = [value["site"]]
            draft.assumed(self.at, f"where {name} is", f"{value['site']}, where {self.name} runs today", here)
        draft.add("datasets", name, entry, self.at)

    def _users(self, entry: dict[str, Any]) -> None:
        value = self.values
        place, country = value.get("users_at"), value.get("users_country") or value.get("site_country")
        if place is None:
            if "latency" in value:
                self._lost(f"latency {value['latency']}", "it does not say to whom; fill in users_at")
            return
        if country is None:
            self._lost(f"users at {place}", "their country is not known; fill in users_country")
            return
        if not self._draft.has("locations", place):
            self._draft.add("locations", place, {"country": country}, self.at)
        if "latency" in value:
            entry["latency"] = [{"location": place, "limit": value["latency"]}]


def _sites(draft: Draft, rows: list[_Row]) -> None:
    """The sites that rows name, where one of them tells kind and country."""
    for row in rows:
        value = row.values
        site, kind, country = value.get("site"), value.get("site_kind"), value.get("site_country")
        if site is None or kind is None or country is None or draft.has("sites", site):
            continue
        spelled = kind.strip().lower().replace("-", "_").replace(" ", "_")
        draft.add("sites", site, {"kind": _KINDS.get(spelled, spelled), "country": country}, row.at)
        draft.assumed(
            row.at, f"pools, clearance and encryption of {site}",
            "none are written: nothing can be placed there yet; fill them in", ("sites", site),
        )  # fmt: skip


_KINDS = {"cloud": "public", "public_cloud": "public", "private_cloud": "private", "hosted": "private",
          "onprem": "on_prem", "on_premises": "on_prem", "on_premise": "on_prem", "own": "on_prem",
          "eigenes_rechenzentrum": "on_prem", "rechenzentrum": "on_prem", "öffentlich": "public",
          "oeffentlich": "public", "privat": "private"}  # fmt: skip


def _use_cases(draft: Draft, rows: list[_Row]) -> None:
    """Use cases with the sum of what their rows are worth."""
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        if "use_case" in row.values and row.name and draft.has("workloads", row.name):
            groups.setdefault(row.values["use_case"], []).append(row)
    for name, members in groups.items():
        worth = [row.values["value"] for row in members if "value" in row.values]
        currencies = {text.split(" ")[-1] for text in worth}
        if not worth or len(currencies) > 1:
            why = (
                "none of its rows has a value" if not worth else "its rows have values in several currencies"
            )
            for row in members:
                draft.unmapped(
                    row.at, f"use case {name}", f"{why}; fill in the column value", ("workloads", row.name)
                )
            continue
        try:
            total = sum((Decimal(text.split(" ")[0]) for text in worth), Decimal(0))
        except ArithmeticError:
            continue  # the amount itself is a problem that has been told
        owner = next((row.values["owner"] for row in members if "owner" in row.values), None)
        if owner is None:
            draft.assumed(members[0].at, f"owner of {name}", "'unknown' is written", ("use_cases", name))
        entry = {"owner": owner or "unknown", "value": f"{total} {currencies.pop()}"}
        draft.add("use_cases", name, entry, members[0].at)
        for row in members:
            draft.entry("workloads", row.name)["use_case"] = name
