"""The options that say what is to be run, on what and with what; shared by all commands that run something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from situs.cli.data_names import complete_versions

CommandArgument = Annotated[
    list[str],
    typer.Argument(help="Script or program; its own options come after --.", metavar="SCRIPT [-- ARGS]"),
]
GpuOption = Annotated[float, typer.Option("--gpu", help="Accelerators, such as 1, or 0.5 of one.", min=0)]
AcceleratorOption = Annotated[
    list[str] | None,
    typer.Option("--accelerator", help="Model that will do, such as H100; may be given again."),
]
GpuMemoryOption = Annotated[str, typer.Option(help="Memory each of them has at least.")]
CpuOption = Annotated[float, typer.Option(help="Processors.", min=0)]
MemoryOption = Annotated[
    str,
    typer.Option(help="Memory that is set aside, which is also the most it may use.", show_default="any"),
]
DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        help="Dataset that it reads: NAME or NAME@latest; may be given again.",
        autocompletion=complete_versions,
    ),
]
SiteOption = Annotated[
    list[str] | None, typer.Option("--site", help="Only there; may be given again.", metavar="SITE")
]
EnvOption = Annotated[
    list[str] | None,
    typer.Option("--env", help="Variable of its environment; may be given again.", metavar="A=B"),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="A=REFERENCE",
        help="Variable that holds a secret, and where that is kept: env:NAME, file:NAME, vault:PATH#KEY.",
    ),
]
FinalOption = Annotated[
    list[int] | None,
    typer.Option(
        "--final", help="Exit code after which it is not started again; may be given again.", min=1, max=255
    ),
]
MinRuntimeOption = Annotated[
    str,
    typer.Option(
        help="In a queue: not ended for another one before it has run so long.", show_default="none"
    ),
]
CheckpointEveryOption = Annotated[
    str | None,
    typer.Option(help="How often it saves the files of --state, as in 5min.", show_default="never"),
]
CheckpointSizeOption = Annotated[
    str, typer.Option(help="How large they are together, as in 2GB.", show_default="not known")
]
TimeoutOption = Annotated[float | None, typer.Option(help="Seconds after which it is ended.", min=1)]
UseCaseOption = Annotated[str | None, typer.Option(help="Use case it belongs to.")]
PriorityOption = Annotated[int, typer.Option(help="In the queue: the higher, the sooner.", min=0, max=100)]
CodeOption = Annotated[Path, typer.Option(help="Folder whose files are sent.", show_default="this folder")]
IncludeOption = Annotated[
    list[str] | None, typer.Option("--include", help="File to send although it looks like a secret.")
]
PackagesOption = Annotated[
    str | None,
    typer.Option(help="Lock file in it to install.", show_default="uv.lock, pylock.toml or requirements.txt"),
]
NoEnvOption = Annotated[bool, typer.Option("--no-env", help="Install nothing: run with what is there.")]
PythonOption = Annotated[str | None, typer.Option(help="Interpreter to install for.", show_default="python3")]
ImageOption = Annotated[
    str | None,
    typer.Option(
        help="Container image it runs in: NAME, NAME:TAG or NAME@sha256:DIGEST.", show_default="the site's"
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for room where there is none now.")]
DetachOption = Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for it.")]
