"""A pipeline for tests: prepare, then train, then check, each a line of Python that leaves evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.control.plane import PYTHON

PREPARE = "import os; open(os.environ['SITUS_OUTPUT_FEATURES'], 'w').write('f' * 1000)"
TRAIN = (
    "import os; n = len(open(os.environ['SITUS_INPUT_FEATURES']).read());"
    "open(os.environ['SITUS_OUTPUT_MODEL'], 'w').write(f'model of {n}')"
)
CHECK = "import os; print(open(os.environ['SITUS_INPUT_MODEL']).read())"


def stage(line: str, reads: tuple[str, ...] = (), makes: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """A stage that is a line of Python."""
    run = {"command": [*PYTHON, line], **more.pop("run", {})}
    return {
        "stage": "prepare", "label": {"level": 0}, "job": {"work": "0.1h"}, "shapes": [{"cpu": 1, "memory": "0GiB"}],
        "inputs": [{"dataset": name} for name in reads], "outputs": [{"dataset": name} for name in makes], "run": run,
        **more,
    }  # fmt: skip


def three(**changed: Any) -> dict[str, Any]:
    """The whole document; ``changed``: stages that are others, or sections."""
    stages = {
        "prepare": stage(PREPARE, (), ("features",)),
        "train": stage(TRAIN, ("features",), ("model",), stage="train"),
        "check": stage(CHECK, ("model",), stage="batch"),
    }
    sections = {name: changed.pop(name) for name in ("datasets", "sites", "rules") if name in changed}
    data = {"features": {"size_gb": 1}, "model": {"size_gb": 1}}
    return {"workloads": {**stages, **changed}, "datasets": data, **sections}


def write(folder: Path, document: dict[str, Any]) -> Path:
    """The file of a pipeline. JSON is YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pipeline.yaml"
    path.write_text(json.dumps(document, indent=1))
    return path
