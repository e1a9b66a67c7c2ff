"""The nearest change that opens a way which the rule on transit bars."""

from __future__ import annotations

from collections.abc import Iterator

from situs.model.estate import KeyCustody
from situs.model.refusal import Refusal
from situs.planner.compile.world import World
from situs.planner.explain.edits import Edit, apply
from situs.planner.explain.labelled import holders
from situs.planner.explain.model import Change
from situs.policy import Policy

Edits = tuple[Edit, ...]


def lift_transit(world: World, workload: str, site: str, refusal: Refusal) -> Change | None:
    """Both ends sealed; else the countries on the way allowed by label; else an exception on record."""
    way = tuple(refusal.details[part] for part in ("dataset", "source", "target"))
    for edits in (_sealed(world, way[1:]), *_allowed(world, refusal), _exception()):
        changed = Policy(apply(world.intent, edits), world.facts, world.at, world.off)
        if edits and not changed.transfer_refusals(*way):
            return Change(kind="rule", rule=refusal.rule, edits=edits, details=refusal.details)
    return None


def _sealed(world: World, ends: tuple[str, ...]) -> Edits:
    """What leaves and enters is encrypted, with keys that the customer holds."""
    edits = []
    for end in ends:
        site = world.site(end)
        if not site.encryption.in_transit:
            edits.append(Edit(path=f"/sites/{end}/encryption/in_transit", value=True, was=False))
        if site.operator != "self" and site.key_custody is not KeyCustody.HELD_YOUR_OWN:
            path, held = f"/sites/{end}/key_custody", KeyCustody.HELD_YOUR_OWN.value
            edits.append(Edit(path=path, value=held, was=site.key_custody.value))
    return tuple(edits)


def _allowed(world: World, refusal: Refusal) -> Iterator[Edits]:
    """Every label that flows into the dataset's allows what is crossed."""
    crossed = set(refusal.details["countries"].split(", "))
    yield tuple(
        Edit(
            path=f"{holder.path}/jurisdictions",
            value=sorted(holder.label.jurisdictions | crossed),
            was=sorted(holder.label.jurisdictions),
        )
        for holder in holders(world.intent, world.policy.labels, ("dataset", refusal.details["dataset"]))
        if holder.label.jurisdictions is not None
    )


def _exception() -> Edits:
    value = {"title": "Exception from transit", "off": ["transit"]}
    return (Edit(path="/rules/exception-transit", value=value),)
