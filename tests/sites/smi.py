"""A machine that says it has accelerators: the tool of their driver, as far as it is asked."""

from __future__ import annotations

from pathlib import Path

TOOL = """#!/bin/sh
fields=${1#--query-gpu=}
[ "$2" = --format=csv,noheader ] || exit 2
[ -s "$0.models" ] || {
  echo 'Failed to initialize NVML: Driver/library version mismatch'
  echo '535.129 is the version of the library'
  exit 18
}
number=0
while read -r model; do
  case $fields in
    index,name) echo "$number, $model" ;;
    *) exit 2 ;;
  esac
  number=$((number + 1))
done <"$0.models"
"""


def smi_of(folder: Path, models: tuple[str, ...]) -> Path:
    """A folder for the search path that has the tool; without models its driver does not answer."""
    tools = folder / "smi"
    tools.mkdir(exist_ok=True)
    (tools / "nvidia-smi").write_text(TOOL)
    (tools / "nvidia-smi").chmod(0o755)
    (tools / "nvidia-smi.models").write_text("".join(f"{model}\n" for model in models))
    return tools
