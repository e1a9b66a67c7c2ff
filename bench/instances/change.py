"""A small change to an estate that is already placed: the input of re-planning."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.instances.generate import Instance
from situs.planner.certificate import Certificate, Prices, Split
from situs.planner.problem import Flags, Ids, Ints, Placement


@dataclass(frozen=True, eq=False)
class Change:
    """The changed instance and what is known from before, in its numbering."""

    instance: Instance
    previous: Placement
    """where everything was; what is new is unplaced, what has grown may no longer fit"""
    class_before: Ids
    """(I,) the class it was before the change, -1 for a new one"""
    resized: Ids
    """classes whose demand changed"""
    column_before: Ints
    """(J,) the column it was before the change, or that of the class a new one is like"""
    columns_before: int
    """how many there were"""

    def carry(self, proof: Certificate) -> Certificate:
        """A proof for the problem before, in the numbering of the changed one; what is gone is dropped.

        A cut holds for any of its columns alone, so it loses those of workloads that have ended or changed size.
        The bound is not known again yet.  Raises ValueError for a proof with cases about units, which may be gone.
        """
        if _about_units(proof.tree):
            raise ValueError("a proof with cases about units cannot be carried to a changed problem")
        column_after = self._columns_after()
        columns = [column_after[cut.column] for cut in proof.cuts]
        left = np.array([bool((column >= 0).any()) for column in columns], dtype=np.bool_)
        cuts = tuple(
            replace(cut, column=column[column >= 0].astype(np.int32), weight=cut.weight[column >= 0])
            for cut, column, some in zip(proof.cuts, columns, left, strict=True)
            if some
        )
        return Certificate(
            -np.inf, tuple(self._carried(leaf, left) for leaf in proof.leaves), proof.tree, cuts
        )

    def _carried(self, prices: Prices, cuts: Flags) -> Prices:
        after = np.full(max(int(self.class_before.max()), int(prices.need_class.max(initial=0))) + 1, -1)
        kept = np.flatnonzero(self.class_before >= 0)
        after[self.class_before[kept]] = kept
        need_class = after[prices.need_class]
        there = need_class >= 0
        return Prices(
            row=prices.row,
            need_class=need_class[there].astype(np.int32),
            need_open=prices.need_open[there],
            need_price=prices.need_price[there],
            buy=prices.buy,
            cut=prices.cut[cuts] if len(cuts) else np.zeros(0),
        )

    def _columns_after(self) -> Ints:
        """(columns before,) the same column after the change, -1 where it is gone or takes another amount."""
        problem = self.instance.problem
        unchanged = self.class_before >= 0
        unchanged[self.resized] = False
        same = np.flatnonzero(unchanged[problem.variant_class[problem.col_variant]])
        after = np.full(self.columns_before, -1)
        after[self.column_before[same]] = same
        return after


def _about_units(tree: Split | int) -> bool:
    if isinstance(tree, int):
        return False
    return tree.what in ("units", "unplaced") or _about_units(tree.low) or _about_units(tree.high)


def change(instance: Instance, placement: Placement, share: float = 0.01, seed: int = 0) -> Change:
    """Change this share of the workloads: a third ends, a third is new, a third is resized (half to double).

    The placement is what runs now: what stays where it put it keeps its bill, everything that moves pays.
    New workloads are like a random existing one, up to their size. Only for classes of one unit each.
    """
    before = instance.problem
    if bool((before.count != 1).any()):
        raise ValueError("change() needs classes of one unit each; this instance has larger classes")
    rng = np.random.default_rng([seed, 99])
    classes = len(before.count)
    third = max(1, round(share * classes / 3))
    ended, resized_before, _ = np.split(rng.permutation(classes), [third, 2 * third])
    kept = np.setdiff1d(np.arange(classes), ended)
    source = np.concatenate([kept, rng.choice(kept, third)])
    is_new = np.arange(len(source)) >= len(kept)
    resized = np.flatnonzero(np.isin(source, resized_before) & ~is_new)
    factor = np.ones(len(source))
    factor[resized] = rng.uniform(0.5, 2.0, len(resized))
    factor[is_new] = rng.lognormal(0, 0.3, third)

    owner, variant = _members(before.variant_class, source, classes)
    first_variant = np.searchsorted(owner, np.arange(len(source)))
    old_first = np.searchsorted(before.variant_class, source)
    column_class, column = _members(before.variant_class[before.col_variant], source, classes)
    col_variant = before.col_variant[column] - old_first[column_class] + first_variant[column_class]
    running = before.col_cost.copy()
    stays = instance.stay[instance.stay >= 0]
    running[stays] += instance.bill[instance.stay >= 0]
    cost = running[column] * factor[column_class]
    bill = instance.bill[source] * factor

    units = placement.units[column] * ~is_new[column_class]
    here = np.flatnonzero(units)
    stay = np.full(len(source), -1, dtype=np.int32)
    stay[column_class[here]] = here
    cost[here] -= bill[column_class[here]]
    fixed = before.fixed_cost - instance.bill[instance.stay >= 0].sum() + bill[column_class[here]].sum()

    extra_indptr, extras = _gather(before.extra_indptr, column)
    need_indptr, needs = _gather(before.need_indptr, column)
    problem = replace(
        before,
        count=np.ones(len(source), dtype=np.int64),
        penalty=before.penalty[source] * factor,
        variant_class=owner.astype(np.int32),
        demand=before.demand[variant] * factor[owner, None],
        col_variant=col_variant.astype(np.int32),
        col_target=before.col_target[column],
        col_cost=cost,
        col_limit=np.ones(len(column), dtype=np.int64),
        extra_indptr=extra_indptr,
        extra_row=before.extra_row[extras],
        extra_amount=before.extra_amount[extras],
        need_indptr=need_indptr,
        need_open=before.need_open[needs],
        fixed_cost=float(fixed),
    )
    unplaced = 1 - np.bincount(column_class[here], minlength=len(source))
    total = problem.fixed_cost + float(cost[here].sum() + problem.penalty @ unplaced)
    total += float(problem.buy_cost @ placement.bought + problem.open_cost @ placement.opened)
    return Change(
        instance=replace(instance, problem=problem, bill=bill, stay=stay),
        previous=Placement(units, unplaced.astype(np.int64), placement.bought, placement.opened, total),
        class_before=np.where(is_new, -1, source).astype(np.int32),
        resized=resized.astype(np.int32),
        column_before=column,
        columns_before=len(before.col_cost),
    )


def _members(owner: Ids, source: Ints, owners: int) -> tuple[Ints, Ints]:
    """For each entry of ``source``, the items it owns: the position in ``source``, and the item."""
    ends = np.searchsorted(owner, np.arange(owners + 1))
    indptr, items = _gather(ends, source)
    return np.repeat(np.arange(len(source)), np.diff(indptr)), items


def _gather(indptr: Ints, owners: Ints) -> tuple[Ints, Ints]:
    """CSR pointers and items of some owners of a CSR list, in their order."""
    lengths = indptr[owners + 1] - indptr[owners]
    ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.arange(ends[-1]) + np.repeat(indptr[owners] - ends[:-1], lengths)
    return ends, items


def moved_share(changed: Change, placement: Placement) -> float:
    """Of the running workloads that did not change themselves, the share that no longer is where it was."""
    problem = changed.instance.problem
    owner = problem.variant_class[problem.col_variant]
    unchanged = changed.class_before >= 0
    unchanged[changed.resized] = False
    ran = np.zeros(len(problem.count), dtype=np.bool_)
    ran[owner[changed.previous.units > 0]] = True
    stays = np.zeros(len(problem.count), dtype=np.bool_)
    stays[owner[(changed.previous.units > 0) & (placement.units > 0)]] = True
    rest = unchanged & ran
    return float((rest & ~stays).sum() / max(1, rest.sum()))
