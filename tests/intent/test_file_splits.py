"""An estate is what it says, however it is cut into files and in whatever order these are read."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from situs.facts import load as load_facts
from situs.intent import input_hash, load, loads
from situs.planner.decide import decide

TEXT = (Path(__file__).parent / "estate.yaml").read_text(encoding="utf-8")


def pieces(value: dict[str, Any]) -> list[tuple[str, Any]]:
    """Every entry of every section on its own."""
    cut: list[tuple[str, Any]] = []
    for section, content in value.items():
        if section == "links":
            cut += [(section, [link]) for link in content]
        else:
            cut += [(section, {name: entry}) for name, entry in content.items()]
    return cut


def write_split(folder: Path, seed: int) -> None:
    """The estate cut into files, some in folders, some with several documents, in a random order."""
    draw = random.Random(seed)
    cut = pieces(yaml.load(TEXT, Loader=yaml.BaseLoader))  # plain text values: nothing is rewritten
    draw.shuffle(cut)
    files = draw.randint(1, len(cut))
    names = [
        f"{draw.choice(['', 'a/', 'b/c/'])}{draw.randrange(10**6)}.{draw.choice(['yaml', 'yml'])}"
        for _ in range(files)
    ]
    for section, content in cut:
        file = folder / draw.choice(names)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write("---\n" + unquoted({section: shuffled(content, draw)}))


def shuffled(value: Any, draw: random.Random) -> Any:
    """The same mapping with its keys in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        draw.shuffle(items)
        return {key: shuffled(item, draw) for key, item in items}
    return [shuffled(item, draw) for item in value] if isinstance(value, list) else value


class Unquoted(yaml.SafeDumper):
    """Writes every word as it was, so that numbers stay numbers."""


def _bare(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if text == "*" else None
    return yaml.ScalarNode("tag:yaml.org,2002:str" if style else "tag:yaml.org,2002:int", text, style=style)


Unquoted.add_representer(str, _bare)


def unquoted(value: Any) -> str:
    lines = yaml.dump(value, Dumper=Unquoted, sort_keys=False, width=10_000, allow_unicode=True)
    return lines.replace("!!int ", "").replace("'", "")


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_split_in_any_order_says_the_same(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("split")
    write_split(folder, seed)
    assert input_hash(load(folder).intent) == input_hash(loads(TEXT).intent)


def test_any_split_in_any_order_gives_the_same_plan(tmp_path: Path) -> None:
    facts = load_facts([])
    ids = set()
    for seed in range(6):
        write_split(tmp_path / str(seed), seed)
        intent = load(tmp_path / str(seed)).intent
        assert intent.settings.at is not None
        ids.add(decide(intent, facts, intent.settings.at).plan.id)
    assert len(ids) == 1


def test_any_change_is_another_input() -> None:
    sound = input_hash(loads(TEXT).intent)
    for old, new in (("2TB", "3TB"), ("[V100, L4]", "[V100]"), ("22ms", "23ms"), ("9000 EUR", "9001 EUR")):
        assert old in TEXT
        assert input_hash(loads(TEXT.replace(old, new)).intent) != sound
