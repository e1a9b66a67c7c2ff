"""Patterns of files as ``.gitignore`` has them, for ``.situsignore`` and for what is never sent unasked."""

from __future__ import annotations

import re
from collections.abc import Iterable


class Patterns:
    """Patterns, of which the last one that matches counts; one that begins with ``!`` takes back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules = [rule for line in lines if (rule := _rule(line)) is not None]

    def match(self, path: str) -> bool:
        """Whether a file is meant, by its path below the folder of the patterns, or a folder that it is in."""
        parts = path.split("/")
        return any(
            self._meant("/".join(parts[:count]), folder=count < len(parts))
            for count in range(1, len(parts) + 1)
        )

    def match_folder(self, path: str) -> bool:
        """Whether a folder is meant, with all that is in it."""
        return self.match(path + "/-")

    def _meant(self, path: str, *, folder: bool) -> bool:
        meant = False
        for regex, folders_only, takes_back in self._rules:
            if (folder or not folders_only) and regex.fullmatch(path):
                meant = not takes_back
        return meant


def _rule(line: str) -> tuple[re.Pattern[str], bool, bool] | None:
    text = line.rstrip("\n\r")
    text = text if text.endswith("\\ ") else text.rstrip()
    if not text or text.startswith("#"):
        return None
    takes_back = text.startswith("!")
    text = text.removeprefix("!").removeprefix("\\")
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    # With a slash in it a pattern is seen from the top; without, it is a name at any depth.
    anywhere = "/" not in text
    regex = _regex(text.removeprefix("/"))
    return re.compile(("(?:.*/)?" if anywhere else "") + regex, re.DOTALL), folders_only, takes_back


def _regex(text: str) -> str:
    made, at = "", 0
    while at < len(text):
        if text.startswith("**/", at):
            made, at = made + "(?:.*/)?", at + 3
        elif text.startswith("**", at):
            made, at = made + ".*", at + 2
        elif text[at] == "[" and (end := text.find("]", at + 2)) > 0:
            inside = text[at + 1 : end].replace("\\", r"\\").replace("[", r"\[")
            made, at = made + "[" + re.sub("^!", "^", inside) + "]", end + 1
        else:
            one = text[at]
            made, at = made + {"*": "[^/]*", "?": "[^/]"}.get(one, re.escape(one)), at + 1
    return made
