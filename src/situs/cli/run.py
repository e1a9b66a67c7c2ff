"""``situs run``: one line that finds a place for a script, runs it there and shows what it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from situs.cli.asking import (
    AcceleratorOption,
    CheckpointEveryOption,
    CheckpointSizeOption,
    CodeOption,
    CommandArgument,
    CpuOption,
    DataOption,
    DetachOption,
    EnvOption,
    FinalOption,
    GpuMemoryOption,
    GpuOption,
    ImageOption,
    IncludeOption,
    MemoryOption,
    MinRuntimeOption,
    NoEnvOption,
    PackagesOption,
    PriorityOption,
    PythonOption,
    SecretOption,
    SiteOption,
    TimeoutOption,
    UseCaseOption,
    WaitOption,
)
from situs.cli.estate import HERE, EstateOption
from situs.cli.output import JsonOption
from situs.cli.plane import ByOption, DbOption, person
from situs.cli.sent import must_be_sent, packages_of, pairs, tell_left_out, tell_written_out
from situs.cli.server import ServerOption, afar
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.control.asked import Asked
    from situs.control.shipping import Snapshot
    from situs.store.arrays import Value


@dataclass(frozen=True)
class Job:
    """What is to be run, and how it is told of."""

    name: str
    asked: Asked
    taken: Snapshot
    sites: frozenset[str] | None
    """at these alone; None: at all"""
    queue: str | None
    priority: int
    members: Sequence[Mapping[str, Value]] | None
    """parameters of each member of an array; None: it is none"""
    at_once: int | None
    dry_run: bool
    wait: bool
    detach: bool
    as_json: bool

    @property
    def hours(self) -> float | None:
        """How long it is likely to take."""
        return self.asked.hours


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run_command)


def run_command(
    command: CommandArgument,
    gpu: GpuOption = 0.0,
    accelerator: AcceleratorOption = None,
    gpu_memory: GpuMemoryOption = "0GiB",
    cpu: CpuOption = 1.0,
    memory: MemoryOption = "0GiB",
    nodes: Annotated[int, typer.Option(help="Nodes it runs on at once.", min=1)] = 1,
    data: DataOption = None,
    hours: Annotated[
        float | None, typer.Option(help="How long it is likely to take; for the estimate.", min=0.001)
    ] = None,
    site: SiteOption = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run.", show_default="made from the script")
    ] = None,
    env: EnvOption = None,
    secret: SecretOption = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="File it goes on from when it is started again, such as a checkpoint."),
    ] = None,
    retries: Annotated[int, typer.Option(help="How often it is started again after it failed.", min=0)] = 0,
    final: FinalOption = None,
    checkpoint_every: CheckpointEveryOption = None,
    checkpoint_size: CheckpointSizeOption = "0GB",
    timeout: TimeoutOption = None,
    use_case: UseCaseOption = None,
    queue: Annotated[
        str | None, typer.Option(help="Queue whose quota it waits for and uses.", metavar="QUEUE")
    ] = None,
    priority: PriorityOption = 50,
    min_runtime: MinRuntimeOption = "0h",
    array: Annotated[
        list[str] | None,
        typer.Option(
            "--array",
            metavar="N or NAME=A,B",
            help="Run it N times, or once for each value; given again: for each combination.",
        ),
    ] = None,
    at_once: Annotated[
        int | None,
        typer.Option("--at-once", help="So many of an array run at once.", min=1, show_default="all"),
    ] = None,
    code: CodeOption = HERE,
    include: IncludeOption = None,
    packages: PackagesOption = None,
    no_env: NoEnvOption = False,
    python: PythonOption = None,
    image: ImageOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say where it would go, and run nothing.")
    ] = False,
    wait: WaitOption = False,
    detach: DetachOption = False,
    estate: EstateOption = HERE,
    db: DbOption = None,
    server: ServerOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a script where rules, room and cost put it, and show what it writes until it ends.

    The folder's files are sent as git sees them. Ctrl-C only stops showing: it runs on, `situs logs -f` shows it
    again and `situs stop` ends it. The exit code is that of the script; 130 after Ctrl-C, 1 without a place.

    Examples:

      situs run train.py

      situs run train.py --gpu 1 --data patients@latest -- --epochs 3

      situs run train.py --gpu 1 --hours 8 --dry-run

      situs run train.py --detach --json

      situs run train.py --gpu 1 --queue research --priority 80

      situs run train.py --queue research --min-runtime 10min --state model.pt --checkpoint-every 5min

      situs run train.py --retries 5 --final 2

      situs run train.py --array lr=0.1,0.01,0.001 --at-once 2 -- --lr {lr}

      situs run train.py --gpu 1 --image registry.example/torch:2.9

      situs run train.py --gpu 1 --server prod
    """
    from situs.control.arrays.member import grid
    from situs.control.asked import Asked, fresh_name, must_be_in_a_queue
    from situs.control.shipping import snapshot

    there = afar(server, db, estate, by)
    taken = snapshot(code, include or (), state or ())
    lock = packages_of(taken, packages, no_env=no_env)
    words = tuple(command)
    asked = Asked(
        words, gpu, tuple(accelerator or ()), gpu_memory, cpu, memory, nodes, hours, tuple(data or ()),
        pairs(env or ()), tuple(state or ()), retries, timeout, use_case, lock, python,
        pairs(secret or (), "--secret"), image, tuple(final or ()), min_runtime, checkpoint_every, checkpoint_size,
    )  # fmt: skip
    must_be_in_a_queue(queue, min_runtime)
    must_be_sent(words[0], taken, code)
    tell_written_out(asked.env)
    tell_left_out(taken)
    if at_once is not None and not array:
        raise InputError("--at-once is for arrays; say --array N too")
    if queue is not None and site:
        raise InputError(
            "a queue says where its runs may be (sites:); leave --site out, or take another queue"
        )
    job = Job(
        name or fresh_name(words), asked, taken, frozenset(site) if site else None, queue, priority,
        grid(array) if array else None, at_once, dry_run, wait, detach, as_json,
    )  # fmt: skip
    if there is not None:
        from situs.cli.run_afar import run_afar

        raise typer.Exit(run_afar(there, job))
    from situs.cli.run_here import run_here

    raise typer.Exit(run_here(job, estate, db, person(by)))
