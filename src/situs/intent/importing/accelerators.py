"""One name for each accelerator: that of the price facts, whatever a label or a trace calls it."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[\s_]+")
_FORMS = re.compile(r"-(SXM\d?|PCIE|HBM\d\w?|NVL|LATEST|GPU)(?=-|$)")
_MEMORY = re.compile(r"-(\d+)G(?:I?B)?$")
_STANDARD_GB = {"A100": 40, "V100": 16, "H100": 80, "H200": 141, "T4": 16, "L4": 24, "P100": 16, "A10": 24,
                "A10G": 24, "A30": 24, "L40S": 48, "A6000": 48, "B200": 192}  # fmt: skip
"""What a bare name stands for; only another memory size is part of the name."""
_ALIASES = {"V100M16": "V100", "V100M32": "V100-32GB", "RTX-A6000": "A6000", "RTXA6000": "A6000"}


def accelerator_name(text: str) -> str:
    """``NVIDIA-A100-SXM4-80GB``, ``nvidia-a100-80gb`` and ``A100-80GB`` are all ``A100-80GB``."""
    name = _WORDS.sub("-", text.strip()).upper()
    for maker in ("NVIDIA-", "AMD-", "TESLA-"):
        name = name.removeprefix(maker)
    name = _FORMS.sub("", name)
    memory = _MEMORY.search(name)
    if memory is not None:
        model = name[: memory.start()]
        name = model if _STANDARD_GB.get(model) == int(memory[1]) else f"{model}-{memory[1]}GB"
    return _ALIASES.get(name, name)
