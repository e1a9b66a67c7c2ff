"""Renew ``docs/benchmarks.md`` from the figures of a full run."""

from __future__ import annotations

import datetime
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from bench.figure import Figure, Protocol

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PACKAGES = ("situs", "numpy", "scipy", "highspy")


def renew_table(figures: list[Figure], protocol: Protocol) -> None:
    """Overwrite the page; every figure on it comes from the same run."""
    seeds = len(protocol.seeds)
    tightness = ",".join(f"{value:g}" for value in protocol.tightness)
    lines = [
        "# Benchmarks",
        "",
        "Measured, not estimated: every cost, placement and bound was recomputed by a checker that shares no",
        "code with the solver; a figure it rejects is not printed. Instances: `bench/instances`.",
        "",
        f"- Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        f"- Command: `python -m bench --seeds {seeds} --tightness {tightness}`",
        f"- Machine: {machine()}",
        f"- Versions: Python {platform.python_version()}, "
        + ", ".join(f"{package} {version(package)}" for package in PACKAGES),
        "",
        "The value is the median over seeds and tightness, then the worst. The ratio is value over peer.",
        "",
        "| figure | value | worst | unit | peer | peer's value | ratio |",
        "|---|---:|---:|---|---|---:|---:|",
    ]
    lines += [_row(figure) for figure in figures]
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"renewed {PAGE}", file=sys.stderr)


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
        _number(figure.peer_value),
        _number(figure.ratio),
    ]
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
