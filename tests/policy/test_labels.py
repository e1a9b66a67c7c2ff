"""Labels: the join is a join, what comes of data is never laxer than they are, and circles are told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.model.error import InputError
from situs.model.intent import Intent
from situs.model.label import HIGHEST_LEVEL, PUBLIC, UNKNOWN, Label
from situs.policy import effective_labels

WORDS = st.frozensets(st.sampled_from("abcd"))
LABELS = st.builds(
    Label,
    level=st.integers(0, HIGHEST_LEVEL),
    categories=WORDS,
    jurisdictions=st.none() | WORDS,
    purposes=st.none() | WORDS,
    retention=st.none() | st.integers(1, 1000),
    obligations=WORDS,
    certificates=WORDS,
)


def laxer(one: Label, other: Label) -> bool:
    """Whether ``one`` allows in no respect less than ``other``."""
    return (
        one.level <= other.level
        and one.categories <= other.categories
        and _wider(one.jurisdictions, other.jurisdictions)
        and _wider(one.purposes, other.purposes)
        and (one.retention is None or (other.retention is not None and other.retention <= one.retention))
        and one.obligations <= other.obligations
        and one.certificates <= other.certificates
    )


def _wider(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return one is None or (other is not None and other <= one)


class TestJoin:
    @given(LABELS)
    def test_idempotent(self, one: Label) -> None:
        assert one.join(one) == one

    @given(LABELS, LABELS)
    def test_commutative(self, one: Label, two: Label) -> None:
        assert one.join(two) == two.join(one)

    @given(LABELS, LABELS, LABELS)
    def test_associative(self, one: Label, two: Label, three: Label) -> None:
        assert one.join(two).join(three) == one.join(two.join(three))

    @given(LABELS, LABELS)
    def test_the_least_label_that_is_laxer_than_neither(self, one: Label, two: Label) -> None:
        joined = one.join(two)
        assert laxer(one, joined) and laxer(two, joined)
        assert laxer(one, two) == (joined == two)

    @given(LABELS, LABELS, LABELS)
    def test_monotone(self, one: Label, two: Label, other: Label) -> None:
        assert laxer(one.join(other), one.join(two).join(other))

    @given(LABELS)
    def test_public_changes_nothing(self, one: Label) -> None:
        assert one.join(PUBLIC) == one

    @given(LABELS)
    def test_nothing_is_above_the_level_of_the_unknown(self, one: Label) -> None:
        assert UNKNOWN.level == HIGHEST_LEVEL
        assert one.join(UNKNOWN).level == HIGHEST_LEVEL


def lineage(
    datasets: dict[str, Any], workloads: dict[str, tuple[list[str], list[str]]], **labels: Any
) -> Intent:
    """Workloads by name as (what they read, what they write)."""
    return Intent.model_validate(
        {
            "datasets": {name: {"size_gb": 1, **entry} for name, entry in datasets.items()},
            "workloads": {
                name: {
                    "stage": "prepare",
                    "job": {"work": 1},
                    "inputs": [{"dataset": read} for read in reads],
                    "outputs": [{"dataset": written} for written in writes],
                    **labels.get(name, {}),
                }
                for name, (reads, writes) in workloads.items()
            },
        }
    )


class TestLineage:
    def test_unlabelled_data_that_nobody_makes_are_of_the_highest_class(self) -> None:
        labels = effective_labels(lineage({"found": {}}, {"use": (["found"], [])}))
        assert labels.datasets["found"] == labels.workloads["use"] == UNKNOWN

    def test_what_is_made_inherits_through_every_step(self) -> None:
        chain = lineage(
            {
                "patients": {"label": {"level": 3, "categories": ["health"], "jurisdictions": ["EU", "DE"]}},
                "shop": {"label": {"level": 1, "jurisdictions": ["DE", "FR"], "obligations": ["own-key"]}},
                "joined": {},
                "model": {"label": {"level": 0}},
            },
            {"join": (["patients", "shop"], ["joined"]), "train": (["joined"], ["model"])},
        )
        expected = Label(
            level=3,
            categories=frozenset({"health"}),
            jurisdictions=frozenset({"DE"}),
            obligations=frozenset({"own-key"}),
        )
        labels = effective_labels(chain)
        assert labels.datasets["model"] == labels.workloads["train"] == labels.datasets["joined"] == expected

    def test_a_workloads_own_label_is_joined_in(self) -> None:
        own = {"work": {"label": {"level": 2, "purposes": ["care"]}}}
        labels = effective_labels(lineage({"out": {}}, {"work": ([], ["out"])}, **own))
        assert labels.datasets["out"] == Label(level=2, purposes=frozenset({"care"}))

    @pytest.mark.parametrize(("signer", "level"), [("Dr. Weber", 1), (None, 4), ("", 4), ("  ", 4)])
    def test_a_declassification_counts_only_with_a_name(self, signer: str | None, level: int) -> None:
        counted = {"declassified": {"level": 1}, "declassified_by": signer}
        chain = lineage(
            {"secret": {"label": {"level": 4}}, "counts": counted, "board": {}},
            {"sum": (["secret"], ["counts"]), "show": (["counts"], ["board"])},
        )
        labels = effective_labels(chain)
        assert labels.datasets["board"].level == level
        assert labels.declassified == ({"counts"} if level == 1 else set())
        assert effective_labels(chain, unsigned=True).datasets["board"].level == 1

    @given(st.data())
    def test_what_comes_of_data_is_never_laxer_than_they_are(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(2, 7))
        names = [f"d{k}" for k in range(count)]
        datasets = {n: {"label": data.draw(st.none() | LABELS)} for n in names}
        workloads = {
            f"w{k}": (data.draw(st.lists(st.sampled_from(names[:k]), unique=True)), [names[k]])
            for k in range(1, count)
            if data.draw(st.booleans())
        }
        intent = lineage(datasets, workloads)
        labels = effective_labels(intent)
        for name, (reads, (written,)) in workloads.items():
            for read in reads:
                assert laxer(labels.datasets[read], labels.workloads[name])
            assert laxer(labels.workloads[name], labels.datasets[written])
        for name, entry in intent.datasets.items():
            if entry.label is not None:
                assert laxer(entry.label, labels.datasets[name])

    def test_a_long_lineage_is_followed_to_its_end(self) -> None:
        length = 5000
        datasets: dict[str, Any] = {f"d{k}": {} for k in range(length)}
        datasets["d0"] = {"label": {"level": 2}}
        workloads = {f"w{k}": ([f"d{k}"], [f"d{k + 1}"]) for k in range(length - 1)}
        assert effective_labels(lineage(datasets, workloads)).datasets[f"d{length - 1}"].level == 2

    def test_data_that_come_from_themselves_are_told_with_the_way_round(self) -> None:
        circle = lineage({"a": {}, "b": {}}, {"there": (["a"], ["b"]), "back": (["b"], ["a"])})
        with pytest.raises(InputError, match=r"data come from themselves: a → back → b → there → a") as error:
            effective_labels(circle)
        assert error.value.exit_code == 2

    def test_a_signed_declassification_ends_a_circle(self) -> None:
        lowered = {"declassified": {"level": 1}, "declassified_by": "Dr. Weber"}
        circle = lineage({"a": lowered, "b": {}}, {"there": (["a"], ["b"]), "back": (["b"], ["a"])})
        assert effective_labels(circle).datasets["b"].level == 1
