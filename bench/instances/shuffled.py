"""The same estate written in another order: entries over files and documents, keys within them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import yaml

SETS = frozenset({"jurisdictions", "categories", "purposes", "obligations", "affinity", "crosses"})
"""Lists whose order means nothing; that of shapes or tiers, for instance, is part of what they say."""


def sections_of(path: Path) -> dict[str, Any]:
    """All documents of a folder of YAML files, or of one file, together."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    together: dict[str, Any] = {}
    for file in files:
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            for section, content in (document or {}).items():
                if isinstance(content, list):
                    together.setdefault(section, []).extend(content)
                else:
                    together.setdefault(section, {}).update(content)
    return together


def write_shuffled(sections: dict[str, Any], folder: Path, seed: int, files: int = 4) -> None:
    """Spread the entries of all sections over ``files`` files of two documents each, in random order."""
    rng = random.Random(seed)
    documents: list[dict[str, Any]] = [{} for _ in range(2 * files)]
    entries = [(section, entry) for section, content in sections.items() for entry in _entries(content)]
    rng.shuffle(entries)
    for section, entry in entries:
        document = rng.choice(documents)
        if isinstance(entry, tuple):
            document.setdefault(section, {})[entry[0]] = _reordered(entry[1], rng)
        else:
            document.setdefault(section, []).append(_reordered(entry, rng))
    names = rng.sample(["a", "b", "k", "m", "x", "z", "estate", "more"], files)
    for number, name in enumerate(names):
        own = documents[2 * number : 2 * number + 2]
        text = yaml.safe_dump_all(own, sort_keys=False, allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _entries(content: Any) -> list[Any]:
    return list(content) if isinstance(content, list) else list(content.items())


def _reordered(value: Any, rng: random.Random, key: str = "") -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        rng.shuffle(items)
        return {name: _reordered(inner, rng, name) for name, inner in items}
    if isinstance(value, list):
        inner = [_reordered(item, rng) for item in value]
        if key in SETS:
            rng.shuffle(inner)
        return inner
    return value
