"""Is a rule's Cedar text right: can it be read, does it only forbid, does it name what there is.

Cedar's own messages carry no position, so the place is found here: the first token with which no valid text
could go on, or the token that names what is not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import cedarpy

from situs.model.error import Position, Problem
from situs.model.estate import KeyCustody, SiteKind, Tenancy
from situs.model.workload import Stage
from situs.policy.meant import meant

LONGEST_TEXT = 100_000
"""Some two thousand policies; whoever needs more writes several rules."""

_LABEL = {
    "level": "Long",
    "categories": "Set<String>",
    "jurisdictions?": "Set<String>",
    "purposes?": "Set<String>",
    "retention_days?": "Long",
    "obligations": "Set<String>",
    "certificates": "Set<String>",
}
ATTRIBUTES: dict[str, dict[str, str]] = {
    "Workload": {**_LABEL, "stage": "String", "use_case?": "String", "purpose?": "String"},
    "Dataset": _LABEL,
    "Site": {
        "kind": "String",
        "operator": "String",
        "country": "String",
        "groups": "Set<String>",
        "operator_country?": "String",
        "operator_groups": "Set<String>",
        "parent_country?": "String",
        "parent_groups": "Set<String>",
        "certificates": "Set<String>",
        "key_custody": "String",
        "tenancy": "String",
        "encrypted_at_rest": "Bool",
        "encrypted_in_transit": "Bool",
        "encrypted_in_use": "Bool",
        "clearance": "Long",
        "generations": "Set<String>",
        "power_zone?": "String",
        "control_percent": "Long",
    },
}
"""What Cedar texts may ask about; a question mark stands behind what may be missing."""

VALUES: dict[str, tuple[str, ...]] = {
    "kind": tuple(SiteKind),
    "stage": tuple(Stage),
    "key_custody": tuple(KeyCustody),
    "tenancy": tuple(Tenancy),
}
"""Attributes that have only these values."""

SCHEMA = "\n".join(
    [
        *(
            f"entity {kind} {{ {', '.join(f'{name}: {type_}' for name, type_ in attributes.items())} }};"
            for kind, attributes in ATTRIBUTES.items()
        ),
        "action place appliesTo { principal: [Workload, Dataset], resource: Site, context: {} };",
    ]
)

_TOKEN = re.compile(r'\s+|//[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d+|::|[=!<>]=|&&|\|\||.', re.DOTALL)


@dataclass(frozen=True)
class _Token:
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@cache
def _schema() -> Any:
    return cedarpy.Schema.from_str(SCHEMA)


def check_text(rule: str, text: str) -> list[Problem]:
    """What is wrong with the Cedar text of a rule, each problem with its line and column within the text."""
    where = _Where(rule, text)
    if len(text) > LONGEST_TEXT:
        return [
            Problem(f"rule {rule}: the Cedar text has {len(text):,} letters", where.at(0), "split the rule")
        ]
    tokens = [_Token(m.group(), m.start()) for m in _TOKEN.finditer(text)]
    tokens = [token for token in tokens if not token.text.isspace() and not token.text.startswith("//")]
    if not tokens:
        return [Problem(f"rule {rule}: the Cedar text is empty", where.at(0), "write a forbid policy")]
    try:
        parsed = json.loads(cedarpy.policies_to_json_str(text))
    except ValueError as error:
        token = _first_wrong(text, tokens, str(error))
        shown = f" (at {token.text!r})" if token else ""
        at = where.at(token.start if token else tokens[-1].end)
        fix = (
            "see the policy reference for an example"
            if token
            else "the last policy has no end; close it with ;"
        )
        return [Problem(f"rule {rule}: the Cedar text cannot be read: {error}{shown}", at, fix)]
    return list(_unfit(rule, text, tokens, parsed, where))


def _unfit(rule: str, text: str, tokens: list[_Token], parsed: Any, where: _Where) -> Iterator[Problem]:
    statements = _statements(tokens)
    for key in parsed["templates"]:
        token = _named(statements[_number(key)], "?principal", "?resource")
        yield Problem(
            f"rule {rule}: Cedar templates have nobody to fill them in", where.at(token.start),
            "write the name of a workload, dataset or site in the place of the slot",
        )  # fmt: skip
    for key, policy in parsed["staticPolicies"].items():
        if policy["effect"] != "forbid":
            token = _named(statements[_number(key)], "permit")
            yield Problem(
                f"rule {rule}: the Cedar text permits something, but all is permitted that no rule forbids",
                where.at(token.start),
                "turn it round: forbid (principal, action, resource) unless { ... };",
            )
    for key, policy in parsed["staticPolicies"].items():
        yield from _meaningless(rule, policy, statements[_number(key)], where)
    for error in cedarpy.validate_policies(text, _schema()).errors:
        statement = statements[_number(error.policy_id)] if error.policy_id else tokens
        yield _unknown(rule, error.error.partition("`, ")[2] or error.error, statement, where)


def _unknown(rule: str, message: str, statement: list[_Token], where: _Where) -> Problem:
    """One of the validator's complaints, with its place and what would be right."""
    what = f"rule {rule}: Cedar: {message}"
    quoted = re.findall(r"`([^`]*)`", message)
    if message.startswith("attribute") or "optional attribute" in message:
        return Problem(what, where.at(_named(statement, quoted[0]).start), _attribute_fix(message, quoted))
    if message.startswith("unrecognized entity type"):
        fix = f"there are {', '.join(ATTRIBUTES)}"
        return Problem(what, where.at(_named(statement, quoted[0]).start), fix)
    if "action" in message.lower():
        return Problem(
            what, where.at(_named(statement, "action").start), 'the only action is Action::"place"'
        )
    return Problem(what, where.at(statement[0].start), None)


def _meaningless(rule: str, policy: Any, statement: list[_Token], where: _Where) -> Iterator[Problem]:
    """What Cedar takes for false without a word: asking for an attribute, or a value, that nothing ever has."""
    known = {name.removesuffix("?") for attributes in ATTRIBUTES.values() for name in attributes}
    for part in parts(policy):
        asked = part["has"].get("attr") if isinstance(part.get("has"), dict) else None
        if isinstance(asked, str) and asked not in known:
            what = f"rule {rule}: Cedar: nothing has an attribute `{asked}`"
            yield Problem(what, where.at(_named(statement, asked).start), meant(asked, sorted(known)))
        for operator in ("==", "!="):
            sides = part.get(operator)
            if isinstance(sides, dict) and {"left", "right"} <= sides.keys():
                yield from _meaningless_value(rule, sides, statement, where)


def _meaningless_value(rule: str, sides: Any, statement: list[_Token], where: _Where) -> Iterator[Problem]:
    for one, other in ((sides["left"], sides["right"]), (sides["right"], sides["left"])):
        attribute = one["."].get("attr") if isinstance(one.get("."), dict) else None
        value = other.get("Value")
        if attribute in VALUES and isinstance(value, str) and value not in VALUES[attribute]:
            what = f"rule {rule}: Cedar: {attribute} is never {value!r}"
            yield Problem(what, where.at(_named(statement, value).start), meant(value, VALUES[attribute]))


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Every object within a policy's JSON, itself included."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            yield part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _attribute_fix(message: str, quoted: list[str]) -> str:
    name = quoted[0]
    if "optional" in message:
        return f"it may be missing; ask first: principal has {name} && ... (or resource has {name} && ...)"
    kind = quoted[1] if len(quoted) > 1 else ""
    known = [attribute.removesuffix("?") for attribute in ATTRIBUTES.get(kind, {})]
    if not known:
        return "there is no context; ask about principal and resource"
    if kind == "Dataset" and any(name == k.removesuffix("?") for k in ATTRIBUTES["Workload"]):
        return f"only workloads have it; ask first: principal is Workload && principal.{name} ..."
    return meant(name, known)


def _first_wrong(text: str, tokens: list[_Token], message: str) -> _Token | None:
    """The token that makes the text unreadable; None where it only ends too early."""
    low, high = 0, len(tokens)
    # Cedar says so itself when a text could be continued; that holds up to about the wrong token, and never
    # after.
    while low < high:
        middle = (low + high) // 2
        if _goes_on(text[: tokens[middle].end]):
            low = middle + 1
        else:
            high = middle
    if low == len(tokens):
        return None
    # It may notice only at the next semicolon, and then names what is wrong.
    named = set(re.findall(r"`([^`]*)`", message)) | {message.rpartition(": ")[2]}
    return next((token for token in reversed(tokens[: low + 1]) if token.text in named), tokens[low])


def _goes_on(text: str) -> bool:
    try:
        cedarpy.policies_to_json_str(text)
    except ValueError as error:
        return "unexpected end of input" in str(error)
    return True


def _statements(tokens: list[_Token]) -> list[list[_Token]]:
    """The tokens of each policy. A semicolon stands nowhere in Cedar but at a policy's end."""
    found: list[list[_Token]] = [[]]
    for token in tokens:
        found[-1].append(token)
        if token.text == ";":
            found.append([])
    return found


def _named(statement: list[_Token], *words: str) -> _Token:
    """The first token that is one of the words, or a string that holds it; else the statement's first."""
    for token in statement:
        if token.text in words or token.text.strip('"') in words:
            return token
    joined = [(one, one.text + two.text) for one, two in pairwise(statement)]
    return next((token for token, pair in joined if pair in words), statement[0])


def _number(key: str) -> int:
    return int(key.removeprefix("policy"))


@dataclass(frozen=True)
class _Where:
    rule: str
    text: str

    def at(self, offset: int) -> Position:
        """The line and column of an offset in the text, under the rule's own name."""
        before = self.text[:offset]
        return Position(f"rules.{self.rule}.cedar", before.count("\n") + 1, offset - before.rfind("\n"))
