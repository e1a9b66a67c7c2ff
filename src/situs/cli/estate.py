"""The options that say which estate, as of when, with which facts; shared by all commands that read one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EstateOption = Annotated[
    Path,
    typer.Option(
        "-C",
        "--estate",
        envvar="SITUS_ESTATE",
        help="Folder with the estate's YAML files.",
        show_default="this folder",
    ),
]
HERE = Path()
