"""The JSON Schema accepts what situs accepts, and complains about what an editor should complain about."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from situs.intent.loader import NAMED
from situs.intent.reader import read_file, read_text
from situs.intent.schema import KINDS, json_schema
from situs.model.error import InputError

TOP = Path(__file__).parents[2]
ESTATES = [
    *sorted(TOP.glob("examples/**/*.yaml")),
    TOP / "src/situs/demo/estate.yaml",
    Path(__file__).parent / "estate.yaml",
]
WHOLE = Draft202012Validator(json_schema())


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_every_schema_is_one(kind: str | None) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("file", ESTATES, ids=lambda path: str(path.relative_to(TOP)))
def test_every_estate_that_is_shown_is_valid(file: Path) -> None:
    for document in read_file(file):
        problems = [f"{list(error.path)}: {error.message}" for error in WHOLE.iter_errors(document.value)]
        assert problems == []


def test_each_entry_is_valid_as_its_own_kind() -> None:
    (document,) = read_file(Path(__file__).parent / "estate.yaml")
    for section in NAMED:
        validator = Draft202012Validator(json_schema(section.removesuffix("s")))
        for name, entry in document.value[section].items():
            assert validator.is_valid(entry), (section, name)
    link = Draft202012Validator(json_schema("link"))
    assert all(link.is_valid(entry) for entry in document.value["links"])
    assert Draft202012Validator(json_schema("settings")).is_valid(document.value["settings"])


SITE = "sites: {a: {kind: edge, country: DE, pools: {p: {node: {cpu: 8, memory: 32}, price: PRICE}}}}"


@pytest.mark.parametrize(
    "text",
    [
        "datasets: {a: {size_gb: 5}}",
        "datasets: {a: {size_gb: 2.5TB, growth_per_month: 3%}}",
        "datasets: {a: {size_gb: 512 Gi, freshness: 8h}}",
        "settings: {horizon: 1 month, at: 2026-11-23}",
        "settings: {at: 2026-11-23T08:00Z}",
        "settings: {at: 2026-11-23T08:00:00.5+01:00, staff_rate: 75 EUR/h}",
        "links: [{from: '*', to: '*', latency: 40ms, bandwidth: 10Gbit/s, price: 0.09 USD/GB}]",
        SITE.replace("PRICE", "{basis: owned, price: '12''000 EUR', life: 36 months, busy: 1.6kW}"),
        SITE.replace("PRICE", "{basis: spot, price: 0.1 USD/hour}"),
    ],
)
def test_quantities_are_numbers_or_text_with_units(text: str) -> None:
    (document,) = read_text(text, "text")
    assert list(WHOLE.iter_errors(document.value)) == []


@pytest.mark.parametrize(
    "text",
    [
        "datasets: {a: {size_gb: -5}}",
        "datasets: {a: {size_gb: 5 parsec}}",
        "datasets: {a: {size_gb: big}}",
        "datasets: {a: {}}",
        "datasets: {a: {size_gb: 5, colour: red}}",
        "sytes: {}",
        "sites: {a: {kind: cloud, country: DE}}",
        "sites: {a: {kind: edge, country: Germany}}",
        "settings: {at: tomorrow}",
        "settings: {staff_rate: 75}",
        "links: [{from: a, to: b, price: 3 EUR}]",
        SITE.replace("PRICE", "{basis: gift, price: 1 EUR}"),
    ],
)
def test_what_situs_refuses_an_editor_marks_too(text: str) -> None:
    (document,) = read_text(text, "text")
    assert not WHOLE.is_valid(document.value)


def test_the_command_prints_or_writes_it(tmp_path: Path) -> None:
    assert _schema("workload") == json_schema("workload")
    assert _schema() == json_schema()
    target = tmp_path / "estate.schema.json"
    assert _situs("schema", "-o", str(target)).returncode == 0
    assert json.loads(target.read_text()) == json_schema()
    wrong = _situs("schema", "worklaod")
    assert wrong.returncode == 2
    assert "did you mean workload?" in wrong.stderr


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(InputError, match="there are estate, site, location"):
        json_schema("xyz")


def _schema(*arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_situs("schema", *arguments).stdout)
    return answer


def _situs(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from situs.cli.main import run; run()", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
