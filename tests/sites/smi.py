"""A machine that says it has accelerators: the tool of their driver, as far as it is asked."""

from __future__ import annotations

from pathlib import Path

TOOL = """#!/bin/sh
fields=${1#--query-gpu=}
[ "$2" = --format=csv,noheader ] || exit 2
number=0
while read -r model; do
  case $fields in
    index) echo "$number" ;;
    name) echo "$model" ;;
    index,name) echo "$number, $model" ;;
    *) exit 2 ;;
  esac
  number=$((number + 1))
done <"$0.models"
"""


def smi_of(folder: Path, models: tuple[str, ...]) -> Path:
    """A folder for the search path that has the tool."""
    tools = folder / "smi"
    tools.mkdir()
    (tools / "nvidia-smi").write_text(TOOL)
    (tools / "nvidia-smi").chmod(0o755)
    (tools / "nvidia-smi.models").write_text("".join(f"{model}\n" for model in models))
    return tools
