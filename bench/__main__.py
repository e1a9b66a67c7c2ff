"""``python -m bench [NAME ...]``: measure, print one JSON line a figure; all of them renew the docs."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator

from bench import suite
from bench.figure import CannotMeasure, Figure, Protocol
from bench.page import renew_page, renew_rows


def main() -> int:
    known = discover()
    arguments = _parse(known)
    protocol = Protocol(tuple(range(arguments.seeds)), tuple(arguments.tightness))
    run = Run(protocol)
    for name in arguments.names or known:
        before = len(run.figures)
        run.measure(name)
        if arguments.page and name not in run.missing:
            renew_rows(name, run.figures[before:], f"python -m bench {name} --seeds {arguments.seeds}")
    if not arguments.names:
        renew_page(run.figures, run.missing, protocol)
    return 1 if run.missing else 0


class Run:
    """What was measured, and what could not be."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.figures: list[Figure] = []
        self.missing: dict[str, str] = {}
        """benchmark -> why it has no (further) figures"""

    def measure(self, name: str) -> None:
        """Print each figure of a benchmark as it comes; one that fails does not take the others with it."""
        try:
            for figure in figures_of(name)(self.protocol):
                print(figure.line(), flush=True)
                self.figures.append(figure)
        except CannotMeasure as reason:
            self._miss(name, str(reason))
        except Exception as error:
            traceback.print_exc()
            self._miss(name, str(error).strip().splitlines()[-1] if str(error).strip() else repr(error))

    def _miss(self, name: str, reason: str) -> None:
        self.missing[name] = reason
        print(f"{name}: no further figures: {reason}", file=sys.stderr, flush=True)


def discover() -> list[str]:
    """Every module of ``bench.suite`` is a benchmark, its name written with dashes."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(suite.__path__))


def figures_of(name: str) -> Callable[[Protocol], Iterator[Figure]]:
    """The ``figures`` function of a benchmark; only what is asked for is imported."""
    figures: Callable[[Protocol], Iterator[Figure]] = importlib.import_module(
        f"bench.suite.{name.replace('-', '_')}"
    ).figures
    return figures


def _parse(known: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(known)}")
    parser.add_argument("--seeds", type=int, default=3, help="so many seeds, from 0 (default 3)")
    parser.add_argument(
        "--tightness",
        type=lambda text: [float(part) for part in text.split(",")],
        default=[1.0],
        help="comma-separated scarcities (default 1; the whole protocol: 0.8,1,1.2)",
    )
    parser.add_argument(
        "--page", action="store_true", help="put the figures of these onto docs/benchmarks.md"
    )
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; known: {', '.join(known)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
