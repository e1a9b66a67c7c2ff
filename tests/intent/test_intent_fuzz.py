"""Whatever text comes in: either an intent, or an InputError whose problems say where."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from situs.intent import load, loads
from situs.intent.loader import SECTIONS
from situs.model.error import InputError

ESTATE = (Path(__file__).parent / "estate.yaml").read_text(encoding="utf-8")

YAML_LETTERS = st.text(alphabet="{}[]:,-?&*!|>'\"%@`#\n \tabk01.eE+~<\\", max_size=200)
"""Mostly what means something in YAML."""

WORDS = st.sampled_from(
    [*SECTIONS, "kind", "public", "DE", "pools", "node", "cpu", "8GiB", "price", "basis", "owned", "1 EUR/h",
     "shapes", "job", "work", "inputs", "dataset", "label", "level", "from", "to", "*", "tiers", "rules",
     "only_at", "name", "nan", "-1", "1e400", "2025-13-45", "NO", "cedar", "carbon_price", "service"]
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(WORDS, st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=5)),
    max_leaves=30,
)


def reads_or_says_why(text: str) -> None:
    try:
        loads(text)
    except InputError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.at is not None, problem
            assert len(str(problem)) < 2000


@given(st.one_of(st.text(max_size=300), YAML_LETTERS))
@settings(max_examples=400, deadline=None)
def test_any_text(text: str) -> None:
    reads_or_says_why(text)


@given(st.dictionaries(st.sampled_from(SECTIONS), VALUES, max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_values_in_the_known_sections(value: object) -> None:
    reads_or_says_why(yaml.safe_dump(value, allow_unicode=True))


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_sound_estate_with_one_stretch_replaced(data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(ESTATE)))
    end = data.draw(st.integers(begin, min(len(ESTATE), begin + 60)))
    patch = data.draw(st.one_of(YAML_LETTERS, WORDS, st.text(max_size=5)))
    reads_or_says_why(ESTATE[:begin] + patch + ESTATE[end:])


@given(raw=st.binary(max_size=200))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_bytes(raw)
    try:
        load(tmp_path)
    except InputError as error:
        assert all(problem.at is not None for problem in error.problems)
