"""Renew ``docs/benchmarks.md`` from the figures of a full run."""

from __future__ import annotations

import datetime
import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from bench.figure import Figure, Protocol

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
RULE = "|---|---:|---:|---|---|---:|---:|---:|---|"
PACKAGES = ("situs", "numpy", "scipy", "highspy")


def renew_page(
    figures: Sequence[Figure], missing: Mapping[str, str], protocol: Protocol, page: Path = PAGE
) -> None:
    """Overwrite the page; every figure on it comes from the same run."""
    page.parent.mkdir(exist_ok=True)
    page.write_text(text(figures, missing, protocol), encoding="utf-8")
    print(f"renewed {page}", file=sys.stderr)


def renew_rows(name: str, figures: Sequence[Figure], command: str, page: Path = PAGE) -> None:
    """Put the figures of one benchmark in the place of its old ones; the page then says when they were measured.

    Raises FileNotFoundError where there is no page yet.
    """
    lines = page.read_text(encoding="utf-8").splitlines()
    rest = [line for line in lines if not line.startswith((f"| `{name}.", f"- `{name}` was measured"))]
    first = rest.index(RULE) + 1
    # Rows are in the order of the benchmarks' names, and those of one benchmark as it gave them.
    at = next((k for k in range(first, len(rest)) if not _before(rest[k], name)), len(rest))
    rest[at:at] = [_row(figure) for figure in figures]
    judged = [
        line for line in rest if line.startswith("| `") and line.endswith(("| met |", "| **missed** |"))
    ]
    met = sum(line.endswith("| met |") for line in judged)
    bars = next(k for k, line in enumerate(rest) if line.startswith("- Bars: "))
    when = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC"
    rest[bars] = f"- Bars: {met} of {len(judged)} met"
    rest.insert(bars + 1, f"- `{name}` was measured at {when} by `{command}`")
    page.write_text("\n".join(rest) + "\n", encoding="utf-8")
    print(f"renewed {name} on {page}", file=sys.stderr)


def _before(line: str, name: str) -> bool:
    """Whether a row's benchmark comes before the one of this name."""
    return line.startswith("| `") and line.removeprefix("| `").partition(".")[0] < name


def text(figures: Sequence[Figure], missing: Mapping[str, str], protocol: Protocol) -> str:
    """The whole page."""
    seeds = len(protocol.seeds)
    tightness = ",".join(f"{value:g}" for value in protocol.tightness)
    judged = [figure for figure in figures if figure.met is not None]
    met = sum(figure.met is True for figure in judged)
    lines = [
        "# Benchmarks",
        "",
        "Measured, not estimated: every cost, placement and bound was recomputed by a checker that shares no",
        "code with the solver; a figure it rejects is not printed. How to run them: `bench/README.md`;",
        "what the instances are: `bench/instances`.",
        "",
        f"- Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        f"- Command: `python -m bench --seeds {seeds} --tightness {tightness}` (`make bench`)",
        f"- Machine: {machine()}",
        f"- Versions: Python {platform.python_version()}, "
        + ", ".join(f"{package} {version(package)}" for package in PACKAGES),
        f"- Bars: {met} of {len(judged)} met",
        "",
        "The value is the median over seeds and tightness; the bar is held against the worst of them. The",
        "peer ran in the same run on the same input (the first seed); the ratio is our value over the peer's.",
        "",
        "| figure | ours | worst | unit | peer | peer's value | ratio | bar | |",
        RULE,
    ]
    lines += [_row(figure) for figure in figures]
    if missing:
        lines += ["", "## Not measured", ""]
        lines += [f"- `{name}`: {reason}" for name, reason in missing.items()]
    return "\n".join(lines) + "\n"


def machine() -> str:
    """Processor, cores this process may use, memory, system."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1] for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {cores} cores, {memory_gib:.0f} GiB, {platform.system()}"


def _row(figure: Figure) -> str:
    worst = figure.extra.get("worst")
    cells = [
        f"`{figure.name}`",
        _number(figure.value),
        _number(worst) if isinstance(worst, int | float) else "",
        figure.unit,
        figure.peer or "",
        _number(figure.peer_value) if figure.peer else "",
        _number(figure.ratio),
        "" if figure.bar is None else f"≤ {_number(figure.bar)}",
        {None: "", True: "met", False: "**missed**"}[figure.met],
    ]
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    """Four significant digits; where a method found nothing, that is said."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return "none found"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
