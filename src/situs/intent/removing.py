"""Taking one entry out of a file of an estate, and leaving every other line as people wrote it."""

from __future__ import annotations

from typing import Any

import yaml

from situs.model.error import InputError


def without(text: str, section: str, name: str, file: str) -> str:
    """The file's text without one entry of a section; empty when nothing but comments would be left.

    Raises InputError when the entry shares a line with something else: then a person has to take it out.
    """
    lines = text.splitlines(keepends=True)
    by_hand = InputError(f"{file}: {section}: {name} shares lines with something else; take it out by hand")
    wanted = []
    for node, content in zip(yaml.compose_all(text), yaml.safe_load_all(text), strict=True):
        if not isinstance(content, dict) or name not in (content.get(section) or {}):
            if content is not None:
                wanted.append(content)
            continue
        key, entries = next((key, value) for key, value in node.value if key.value == section)
        first, last = _lines(entries, name, by_hand)
        rest = {entry: value for entry, value in content[section].items() if entry != name}
        if not rest:
            first = key.start_mark.line
        for at in range(first, last + 1):
            lines[at] = ""
        kept = {part: value for part, value in content.items() if part != section or rest}
        if rest:
            kept[section] = rest
        if kept:
            wanted.append(kept)
    left = "".join(lines)
    if not wanted:
        return ""
    try:
        # Whatever was on those lines besides the entry would be missing now.
        if [part for part in yaml.safe_load_all(left) if part is not None] != wanted:
            raise by_hand
    except yaml.YAMLError:
        raise by_hand from None
    return left


def _lines(entries: Any, name: str, by_hand: InputError) -> tuple[int, int]:
    """First and last line of an entry, without the comments that come after it."""
    if entries.flow_style:
        raise by_hand
    key, value = next((key, value) for key, value in entries.value if key.value == name)
    return key.start_mark.line, max(key.end_mark.line, _last(value))


def _last(node: Any) -> int:
    """The last line with something of a node: where a block ends, YAML counts what comes after it too."""
    if isinstance(node, yaml.ScalarNode):
        # A block of text ends at the beginning of the next line.
        return int(node.end_mark.line) - (node.style in ("|", ">") and node.end_mark.column == 0)
    if node.flow_style or not node.value:
        return int(node.end_mark.line)
    if isinstance(node, yaml.MappingNode):
        return max(max(_last(key), _last(value)) for key, value in node.value)
    return max(_last(item) for item in node.value)
