"""From a site of the estate to the adapter that reaches it: which kinds there are, and what options each takes.

Our own kinds are named here, so that they work from a bare checkout too.  A third party adds one with an entry point
of the group ``situs.sites`` that gives a :class:`Kind`; it cannot take the name of one of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from situs.intent.hints import Hints
from situs.model import estate
from situs.model.error import InputError, Position, Problem
from situs.model.intent import Intent
from situs.sites.adapter import Adapter

GROUP = "situs.sites"
OWN = {
    "local": "situs.sites.kinds:LOCAL",
    "ssh": "situs.sites.kinds:SSH",
    "slurm": "situs.sites.slurm.kind:SLURM",
    "container": "situs.sites.kinds:CONTAINER",
    "kubernetes": "situs.sites.kubernetes.kind:KUBERNETES",
    "cloud": "situs.sites.cloud.kind:CLOUD",
    "ray": "situs.sites.ray.kind:RAY",
}
"""Read only when they are wanted: an SSH library takes a while to load."""


@dataclass(frozen=True)
class Option:
    """One option of a kind of site, as the estate gives it in ``adapter.options``."""

    meaning: str
    read: Callable[[str], Any] = str
    """makes the value; raises ValueError that says what would be right"""
    required: bool = False


@dataclass(frozen=True)
class Rented:
    """What is rented for a run, as far as the estate says; nobody is asked."""

    what: str
    """a type of machine, or what it has at least"""
    where: str
    spot: bool
    price: str | None
    """of an hour; None: the plan knows it"""


@dataclass(frozen=True)
class Kind:
    """A kind of site."""

    options: Mapping[str, Option]
    open: Callable[[str, Mapping[str, Any], Path], Adapter]
    """given the site's name, its options, and a folder of this machine that it may use; touches nothing remote"""
    check: Callable[[Mapping[str, Any]], Iterator[str]] = field(default=lambda _: iter(()))
    """sentences about options that are wrong together"""
    told: Callable[[estate.Site, Mapping[str, Any]], Mapping[str, Any]] = field(default=lambda *_: {})
    """what else it is opened with, out of the site in the estate and its options"""
    rents: Callable[[estate.Site, str, Mapping[str, Any]], Rented | None] = field(default=lambda *_: None)
    """what is rented for each run in a pool of the site; None: nothing"""


def kinds() -> list[str]:
    """Names of all kinds there are."""
    return sorted({*OWN, *(point.name for point in entry_points(group=GROUP))})


def kind(name: str) -> Kind:
    """A kind by its name. Raises InputError for one that is not there, or that cannot be loaded."""
    if name in OWN:
        module, _, attribute = OWN[name].partition(":")
        found: object = getattr(import_module(module), attribute)
    else:
        point = next((point for point in entry_points(group=GROUP) if point.name == name), None)
        if point is None:
            likely = Hints().likely(name, kinds())
            raise InputError(
                [
                    Problem(
                        f"there is no kind of site {name!r}", fix=likely or f"there are {', '.join(kinds())}"
                    )
                ]
            )
        try:
            found = point.load()
        except Exception as error:
            raise InputError(f"kind of site {name!r}: {point.value} cannot be loaded: {error}") from error
    if not isinstance(found, Kind):
        raise InputError(f"kind of site {name!r}: its entry point gives no situs.sites.registry.Kind")
    return found


def opened(name: str, site: estate.Site, folder: Path) -> Adapter:
    """The adapter of a site. Raises InputError with everything that is wrong with its kind and options.

    ``folder``: of this machine, for what a kind keeps here.
    """
    found = kind(site.adapter.kind)
    problems = list(_problems(name, site.adapter, found))
    if problems:
        raise InputError([problem for _, problem in problems])
    options = _read(site.adapter, found)
    return found.open(name, {**options, **found.told(site, options)}, folder)


def rented(site: estate.Site, pool: str) -> Rented | None:
    """What is rented for a run in a pool of the site; None: nothing, or its kind is not installed here."""
    if site.adapter.kind not in kinds():
        return None
    found = kind(site.adapter.kind)
    return found.rents(site, pool, _read(site.adapter, found))


def check_adapters(intent: Intent, where: Callable[..., Position | None]) -> None:
    """Raises InputError with all wrong options in an estate, each at its place.

    A kind that is not installed here is no error, as plans need none: only what looks like a slip is.
    """
    problems = []
    for name, site in intent.sites.items():
        if site.adapter.kind not in kinds():
            if likely := Hints().likely(site.adapter.kind, kinds()):
                at = where("sites", name, "adapter", "kind")
                problems.append(
                    Problem(f"{name}: there is no kind of site {site.adapter.kind!r}", at, likely)
                )
            continue
        for path, problem in _problems(name, site.adapter, kind(site.adapter.kind)):
            at = where("sites", name, "adapter", *path)
            problems.append(Problem(problem.what, at, problem.fix))
    if problems:
        raise InputError(problems)


def _problems(name: str, adapter: estate.Adapter, found: Kind) -> Iterator[tuple[tuple[str, ...], Problem]]:
    """What is wrong, and where below the site's ``adapter``."""
    clean = True
    for option, text in adapter.options.items():
        path = ("options", option)
        if option not in found.options:
            clean = False
            known = sorted(found.options)
            fix = Hints().likely(option, known) or (
                f"there are {', '.join(known)}" if known else "it takes none"
            )
            yield path, Problem(f"{name}: sites of kind {adapter.kind} have no option {option!r}", fix=fix)
            continue
        try:
            found.options[option].read(text)
        except ValueError as error:
            clean = False
            yield path, Problem(f"{name}: option {option}: {error}")
    for option, about in found.options.items():
        if about.required and option not in adapter.options:
            clean = False
            yield (
                (),
                Problem(f"{name}: sites of kind {adapter.kind} need the option {option}", fix=about.meaning),
            )
    if clean:
        for sentence in found.check(_read(adapter, found)):
            yield ("options",), Problem(f"{name}: {sentence}")


def _read(adapter: estate.Adapter, found: Kind) -> dict[str, Any]:
    return {option: found.options[option].read(text) for option, text in adapter.options.items()}
