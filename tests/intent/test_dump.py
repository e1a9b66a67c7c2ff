"""What is written out reads back the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from any_intent import any_model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from situs.intent import input_hash, loads
from situs.intent.dump import dump, scalar
from situs.intent.loader import NAMED
from situs.intent.reader import read_text
from situs.model.estate import Link
from situs.model.intent import Intent, Settings

ESTATE = Path(__file__).parent / "estate.yaml"


def read_back(text: str) -> Intent:
    """The models that stand in the text, without looking where names lead."""
    (document,) = read_text(text, "dumped")
    return Intent.model_validate(document.value)


def test_an_estate_and_its_dump_are_the_same() -> None:
    intent = loads(ESTATE.read_text(encoding="utf-8")).intent
    again = loads(dump(intent)).intent
    assert again == intent
    assert input_hash(again) == input_hash(intent)
    assert dump(again) == dump(intent)


@pytest.mark.parametrize("section", [*NAMED, "links", "settings"])
def test_any_model_and_its_dump_are_the_same(section: str) -> None:
    models: dict[str, type[BaseModel]] = {**NAMED, "links": Link, "settings": Settings}
    wrap = {"links": lambda made: (made,), "settings": lambda made: made}.get(
        section, lambda made: {"x": made}
    )

    @given(made=any_model(models[section]))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(made: BaseModel) -> None:
        intent = Intent.model_validate({section: wrap(made)})
        text = dump(intent)
        assert (read_back(text) if text else Intent()) == intent

    holds()


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Co"]), max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_quoted_where_it_must_be(text: str) -> None:
    for written in (f"a: {scalar(text)}\n", f"a: [{scalar(text)}, 1]\n", f"{{a: {scalar(text)}, b: 1}}\n"):
        (document,) = read_text(written, "text")
        value = document.value["a"]
        assert (value[0] if isinstance(value, list) else value) == text


def test_notes_stand_above_what_they_are_about() -> None:
    intent = loads(
        "sites:\n  a: {kind: edge, country: DE}\nlinks: [{from: a, to: '*', latency: 3ms}]\n"
    ).intent
    notes = {
        ("sites", "a"): ["who runs it?", "second line\nwith a break"],
        ("sites", "a", "country"): ["guessed"],
        ("links", 0, "latency"): ["measured"],
    }
    text = dump(intent, notes, ["Heading"])
    assert text.splitlines() == [
        "# Heading",
        "sites:",
        "  # who runs it?",
        "  # second line with a break",
        "  a:",
        "    kind: edge",
        "    # guessed",
        "    country: DE",
        "links:",
        "  - from: a",
        '    to: "*"',
        "    # measured",
        "    latency: 3ms",
    ]
    assert loads(text).intent == intent
