"""The notebook, run from top to bottom in a fresh folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from unittest.mock import patch

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "tutorial" / "notebook.ipynb"


def executed(folder: Path) -> str:
    """The notebook as JSON with the outputs that really came. Raises what a cell raises."""
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".*"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": folder}},
    )
    # The kernel is a process of its own and takes its language and its width from the environment.
    with patch.dict(os.environ, {"SITUS_LANG": "en", "NO_COLOR": "1", "COLUMNS": "100"}):
        client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    text = nbformat.writes(notebook, indent=1)
    assert isinstance(text, str)
    return text + "\n"
