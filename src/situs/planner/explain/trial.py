"""Estates with changes, each made and raced once."""

from __future__ import annotations

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.planner.explain.edits import Edit, apply
from situs.planner.explain.levers import Lever, at_rivals, at_site
from situs.planner.explain.model import Change
from situs.planner.explain.race import Race, race

Changes = tuple[Change, ...]


class Trial:
    """Asks how the race ends after changes."""

    def __init__(self, base: Race) -> None:
        """``base`` is the race without any."""
        self.base = base
        self.runner = base.runner
        self._known: dict[str, Race] = {"": base}

    def intent(self, changes: Changes) -> Intent:
        """The estate with the changes. Raises InputError where it cannot take them."""
        return apply(self.base.candidates.world.intent, edits_of(changes))

    def race(self, changes: Changes) -> Race:
        """The race with the changes. Raises InputError where the estate cannot take them."""
        key = key_of(changes)
        if key not in self._known:
            self._known[key] = race(self.base, self.intent(changes))
        return self._known[key]

    def wins(self, changes: Changes, *, by_a_hair: bool = False) -> bool:
        """Whether the site wins with the changes: by more than a tie, or at all."""
        try:
            race = self.race(changes)
        except InputError:
            # A size that the estate cannot take, such as more nodes than a pool may have.
            return False
        return race.won_by_a_hair if by_a_hair else race.won

    def levers(self, changes: Changes, *, rivals: bool = False) -> tuple[Lever, ...]:
        """What could be turned further; none where the changes do not make a sound estate by themselves."""
        try:
            here = self.race(changes)
        except InputError:
            return ()
        own = at_site(here.candidates.world, self.runner.workload, self.runner.site)
        return (*own, *at_rivals(here)) if rivals else own


def edits_of(changes: Changes) -> tuple[Edit, ...]:
    """All edits of the changes, in order."""
    return tuple(edit for change in changes for edit in change.edits)


def key_of(changes: Changes) -> str:
    """The same for changes that do the same."""
    return "\n".join(edit.model_dump_json() for edit in edits_of(changes))


def same_lever(one: Change, two: Change) -> bool:
    """Whether two changes turn the same thing, though perhaps not equally far."""
    return {edit.path for edit in one.edits} == {edit.path for edit in two.edits} and one.kind == two.kind
