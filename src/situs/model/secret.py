"""References to secrets: what an estate says instead of the secret itself; and what looks like one written out.

A reference names a place that the control plane may read: ``env:NAME``, ``file:NAME`` or ``vault:PATH#KEY``.  Estates,
plans and records hold references alone; whoever reads them learns where a secret is kept and not what it is.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

FORMS = re.compile(
    r"(?P<scheme>env):(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<file>file):(?P<path>[^\0]+)"
    r"|(?P<vault>vault):(?P<mount>[\w.-]+(?:/[\w.-]+)+)#(?P<key>[\w.-]+)",
    re.ASCII,
)


@dataclass(frozen=True)
class Reference:
    """Where a secret is kept."""

    scheme: Literal["env", "file", "vault"]
    where: str
    """name of a variable, path of a file, or path in a vault with its mount first"""
    key: str = ""
    """in a vault: which field of what is kept there"""

    def __str__(self) -> str:
        return f"{self.scheme}:{self.where}" + (f"#{self.key}" if self.key else "")


def reference(text: str) -> Reference:
    """The reference that is written there. Raises ValueError that does not show the text: it may be a secret."""
    match = FORMS.fullmatch(text)
    if match is None:
        raise ValueError("this is no reference to a secret; write env:NAME, file:NAME or vault:PATH#KEY")
    if match["scheme"]:
        return Reference("env", match["name"])
    if match["file"]:
        return Reference("file", match["path"])
    if {".", ".."} & set(match["mount"].split("/")):
        raise ValueError("a path in a vault is written out, without . and ..")
    return Reference("vault", match["mount"], match["key"])


def _checked(text: str) -> str:
    reference(text)
    return text


SecretReference = Annotated[
    str,
    AfterValidator(_checked),
    WithJsonSchema({"type": "string", "pattern": r"^(env:[A-Za-z_]\w*|file:.+|vault:[\w./-]+#[\w.-]+)$"}),
]

KNOWN_SHAPES = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    re.compile(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40,}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10,}|hf_[A-Za-z]{30,})\b"
    ),
    re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    re.compile(r"://[^/\s:@]+:[^/\s@]{3,}@"),
)
"""What only a secret looks like: keys, tokens of well-known services, passwords in addresses."""
TELLING = re.compile(
    r"(?:SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)", re.IGNORECASE
)
HARMLESS = re.compile(
    r"(?:|true|false|yes|no|none|\d+(?:\.\d+)?|/[\w./-]*|\$\{?\w+\}?|.*_(?:FILE|PATH|DIR|URL|NAME))",
    re.IGNORECASE,
)
LEAST_LONG, LEAST_BITS = 20, 3.4
"""Random text of hexadecimal or base64 digits has 3.5 to 6 bits a letter; words and numbers together are rarely so."""


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable seems to hold a secret that was written out."""
    if is_secret(value):
        return True
    if TELLING.search(name) and not HARMLESS.fullmatch(value) and not HARMLESS.fullmatch(name):
        return True
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    plain = re.fullmatch(r"[A-Za-z0-9+/=_-]+", value)
    return bool(plain and mixed and len(value) >= LEAST_LONG and _bits(value) >= LEAST_BITS)


def is_secret(text: str) -> bool:
    """Whether something in it looks as only a secret does."""
    return any(shape.search(text) for shape in KNOWN_SHAPES)


def _bits(text: str) -> float:
    """Entropy of a letter of the text."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
