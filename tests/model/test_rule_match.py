"""Selectors of rules: a field that means nothing in its role is refused, an empty one is not."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from situs.model.rule import Rule

RULE = {"title": "t", "applies_to": {"category": ["health"]}, "never_at": {"operator": ["aws"]}}


def test_a_rule_reads_back_from_all_its_fields() -> None:
    rule = Rule.model_validate(RULE)
    assert Rule.model_validate_json(rule.model_dump_json(by_alias=True)) == rule


@pytest.mark.parametrize(
    ("role", "match", "field"),
    [
        ("applies_to", {"kind": ["edge"]}, "kind"),
        ("only_at", {"stage": ["train"]}, "stage"),
        ("never_at", {"operator": ["aws"], "min_level": 0}, "min_level"),
    ],
)
def test_a_field_that_means_nothing_in_its_role_is_refused(
    role: str, match: dict[str, object], field: str
) -> None:
    with pytest.raises(ValidationError, match=f"{role} cannot select by {field}"):
        Rule.model_validate({**RULE, role: match})
