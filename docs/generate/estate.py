"""The reference of estate files, from the JSON Schema that editors use too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from situs.model.intent import Intent

INTRODUCTION = """\
# Estate files

An estate is a folder of YAML files, split as you like: situs reads all of them, also in subfolders, and puts
their sections together. `situs schema -o estate.schema.json` writes the JSON Schema for editors; begin a
file with `# yaml-language-server: $schema=estate.schema.json`.

Quantities are written with units (`512GiB`, `2.5TB`, `10Gbit/s`, `40ms`, `8h`, `36 months`, `3%`); a bare
number is in the unit that the field names. Money is written with its ISO currency (`1200 EUR`,
`0.09 USD/GB`, `2.52 USD/h`). Instants are ISO 8601; without a zone they are UTC.
"""


def page() -> str:
    """All sections and fields."""
    schema = Intent.model_json_schema(by_alias=True)
    parts = [INTRODUCTION, *_model("Sections", schema, "Every section is optional.")]
    for name in _in_order(schema):
        parts.extend(_model(name, schema["$defs"][name]))
    return "\n".join(parts)


def _in_order(schema: dict[str, Any]) -> list[str]:
    """The models in the order in which a reader meets them; prices are words, not models."""
    found: list[str] = []
    waiting = [schema["properties"]]
    while waiting:
        for name in re.findall(r"#/\$defs/(\w+)", str(waiting.pop(0))):
            if name not in found and schema["$defs"][name].get("type") != "string":
                found.append(name)
                waiting.append(schema["$defs"][name])
            elif name not in found and "enum" in schema["$defs"][name]:
                found.append(name)
    return found


def _model(title: str, model: dict[str, Any], text: str = "") -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield _sentence(text or model.get("description", ""))
    yield ""
    if "enum" in model:
        yield "One of " + ", ".join(f"`{value}`" for value in model["enum"]) + "."
        yield ""
        return
    required = set(model.get("required", ()))
    yield "| field | what | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in model.get("properties", {}).items():
        default = "**required**" if name in required else _default(field.get("default"))
        yield f"| `{name}` | {_type(field)} | {default} | {_sentence(_meaning(field))} |"
    yield ""


def _meaning(field: dict[str, Any]) -> str:
    """What the field means; the text of a quantity only says its unit, which stands in its own column."""
    text = field.get("description", "")
    return "" if text == _unit(field) else text


def _unit(field: dict[str, Any]) -> str | None:
    text = field.get("description", "")
    return text if "; a bare number is in" in text else None


def _type(field: dict[str, Any]) -> str:
    if (reference := field.get("$ref")) is not None:
        return _link(reference)
    if field.get("discriminator"):
        return " or ".join(_link(option["$ref"]) for option in field["oneOf"])
    if (options := field.get("anyOf") or field.get("oneOf")) is not None:
        kinds = [option for option in options if option.get("type") != "null"]
        if any("pattern" in kind for kind in kinds) and any(kind.get("type") == "number" for kind in kinds):
            return field.get("title", "quantity")
        return " or ".join(dict.fromkeys(_type(kind) for kind in kinds))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type")
    if kind == "array":
        return f"list of {_type(field.get('items', {}))}"
    if kind == "object":
        return f"mapping of names to {_type(field.get('additionalProperties') or {})}"
    if kind == "integer" and "maximum" in field:
        return f"{field.get('minimum', 0)} to {field['maximum']:,}"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no"}.get(
        kind or "", "any"
    )


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    price = re.fullmatch(r"(\w*)(Price|Money)", name)
    if price:
        return {"Money": "money", "HourPrice": "price per hour", "GbPrice": "price per GB"}.get(
            name, f"price per {PER.get(price[1], price[1].lower())}"
        )
    return f"[{name}](#{name.lower()})"


PER = {"GbMonth": "GB and month", "Kwh": "kWh", "Month": "month", "Year": "year", "Tonne": "tonne of CO2e"}


def _default(value: Any) -> str:
    if value in (None, [], {}) or isinstance(value, dict | list):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _sentence(text: str) -> str:
    return " ".join(text.replace("``", "`").split()).replace("|", "\\|")
