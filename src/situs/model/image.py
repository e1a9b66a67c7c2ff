"""Names of container images: a tag says which one is meant today, a digest which one for ever.

They are kept as they were written: a digest is what makes a run the same again, and a tag is what people know.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

LONGEST = 255
"""Of a name without tag and digest, as registries have it."""
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}(?::[0-9]{{1,5}})?/)?{_PART}(?:/{_PART})*)(?::{_TAG})?(?:@(?:{_DIGEST}))?", re.ASCII
)
EXAMPLE = "registry.example/team/tool:1.2"


def image(text: str) -> str:
    """The same text, where it can name an image. Raises ValueError that says what would."""
    match = _IMAGE.fullmatch(text)
    if match is not None and len(match["name"]) <= LONGEST:
        return text
    raise ValueError(f"{text!r} cannot name an image; {_what_is_wrong(text)}")


def _what_is_wrong(text: str) -> str:
    if "://" in text:
        return f"leave out {text.partition('://')[0]}://, as in {EXAMPLE}"
    if "@" in text and not re.fullmatch(_DIGEST, text.rpartition("@")[2]):
        return "a digest is written as @sha256: and 64 digits from 0 to f"
    if text != text.lower() and _IMAGE.fullmatch(text.lower()):
        return f"names of images are in lower case, as in {EXAMPLE}"
    return f"write it as NAME, NAME:TAG or NAME@sha256:DIGEST, as in {EXAMPLE}"


ImageName = Annotated[
    str,
    AfterValidator(image),
    WithJsonSchema(
        {"type": "string", "title": "Image", "pattern": f"^(?:{_IMAGE.pattern.replace('?P<name>', '?:')})$"}
    ),
]
