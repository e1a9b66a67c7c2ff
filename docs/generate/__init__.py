"""What the documentation says about commands, files, rules and facts, made from the code itself.

::

    python -m docs.generate     write docs/reference, and put the real output below every example
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
PICTURES = ROOT / "docs" / "pictures"

TOPICS = ("cli", "estate", "facts", "policy", "sdk")
"""Modules here; each has ``page()``, which gives Markdown, and becomes ``docs/reference/<name>.md``."""

NOTE = "<!-- Made from the code by `make docs`; changes here are lost. -->\n\n"


def reference() -> dict[Path, str]:
    """Every page of the reference and every picture, as they should be."""
    found = {
        REFERENCE / f"{topic}.md": NOTE + _page(topic).strip() + "\n"
        for topic in TOPICS
        if find_spec(f"{__name__}.{topic}")
    }
    for name, text in import_module(f"{__name__}.picture").pictures().items():
        found[PICTURES / name] = text
    return found


def _page(topic: str) -> str:
    text = import_module(f"docs.generate.{topic}").page()
    assert isinstance(text, str)
    return text
