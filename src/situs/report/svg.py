"""Plain SVG: sharp on paper, readable without colour, and described for those who cannot see it."""

from __future__ import annotations

from html import escape

NARROW, WIDE = frozenset("fijlrtI.,:;'|!()[]/ -"), frozenset("mwMWÄÖ—@%")


def drawing(width: float, height: float, label: str, body: str) -> str:
    """A picture of its own size that shrinks with the page."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label, quote=True)}" '
        f'style="max-width:{width:.0f}px">{body}</svg>'
    )


def text(x: float, y: float, style: str, words: str, *, anchor: str = "start", colour: str = "") -> str:
    """A line of words; ``colour`` stands for the style's own."""
    extra = f' text-anchor="{anchor}"' if anchor != "start" else ""
    fill = f' fill="{colour}"' if colour else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}"{extra}{fill}>{escape(words)}</text>'


BOLD = 1.15
"""Bold letters are so much wider in the widest of the fonts that browsers choose without being told."""


def width_of(words: str, size: float) -> float:
    """About how wide a line is at most; for bold letters, multiply the size by ``BOLD``."""
    ems = sum(
        0.38 if c in NARROW else 0.98 if c in WIDE else 0.76 if c.isupper() or ord(c) > 0x2FF else 0.63
        for c in words
    )
    return ems * size


def fitting(words: str, size: float, room: float) -> str:
    """The words, cut with an ellipsis where they are too wide."""
    if width_of(words, size) <= room:
        return words
    kept = words
    while kept and width_of(kept + "…", size) > room:
        kept = kept[:-1]
    return kept.rstrip(" ,.-/") + "…"


def wrapped(words: str, size: float, room: float, most: int) -> list[str]:
    """The words in lines of at most that width; what does not fit into so many lines is cut."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [fitting(line, size, room) for line in lines]
