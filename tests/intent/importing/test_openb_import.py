"""The layout of the openb task trace, with rows made for these tests."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from situs.intent import loads
from situs.intent.importing import Imported
from situs.intent.importing.openb import read_openb
from situs.intent.importing.table import LARGEST_TABLE_BYTES, table_of
from situs.model.error import InputError

HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
    "creation_time,deletion_time,scheduled_time\n"
)
TRACE = HEADER + (
    "made-0,8000,16384,1,1000,,LS,Running,0,7200,0\n"
    "made-1,4000,8192,1,250,V100M16|V100M32,BE,Failed,600,4800,1200\n"
    "made-2,64000,262144,8,1000,A10,LS,Succeeded,0,36000,0\n"
    "made-3,500,512,0,0,,Burstable,Pending,100,3700,\n"
)


def imported(text: str, limit: int | None = None, at: datetime | None = None) -> Imported:
    result = read_openb(table_of(text.encode(), "trace.csv"), limit, at)
    assert loads(result.yaml()).intent == result.intent
    return result


def test_tasks_become_jobs_with_their_length_and_size() -> None:
    workloads = imported(TRACE).intent.workloads
    sizes = {
        name: (w.shapes[0].cpu, w.shapes[0].memory, w.shapes[0].accelerators, w.job.work if w.job else None)
        for name, w in workloads.items()
    }
    assert sizes == {
        "made-0": (8, 16, 1, 2), "made-1": (4, 8, 0.25, 1), "made-2": (64, 256, 8, 10), "made-3": (0.5, 0.5, 0, 1),
    }  # fmt: skip
    assert workloads["made-1"].shapes[0].accelerator == {"V100", "V100-32GB"}
    assert workloads["made-0"].shapes[0].accelerator is None


def test_only_best_effort_may_run_on_spot() -> None:
    labels = {name: w.label for name, w in imported(TRACE).intent.workloads.items()}
    assert [name for name, label in labels.items() if label is None] == ["made-1"]


def test_what_is_lost_is_counted() -> None:
    result = imported(TRACE)
    told = {remark.what: (remark.times, remark.at.line) for remark in result.unmapped}
    assert told["qos LS"] == (2, 2)
    assert told["pod_phase Pending"] == (1, 5)
    assert "creation_time" in told
    assumed = {remark.what for remark in result.assumed}
    assert assumed == {"stage", "length of tasks that were never scheduled"}


def test_limit_and_beginning() -> None:
    result = imported(TRACE, limit=2, at=datetime(2026, 11, 23, 8, tzinfo=UTC))
    assert list(result.intent.workloads) == ["made-0", "made-1"]
    job = result.intent.workloads["made-1"].job
    assert job is not None
    assert job.earliest == datetime(2026, 11, 23, 8, 10, tzinfo=UTC)
    assert {remark.what for remark in result.unmapped} >= {"all further rows"}


def test_mistakes_are_told_with_their_line() -> None:
    with pytest.raises(InputError) as caught:
        imported(
            TRACE
            + "made-0,1,1,0,0,,,,0,1,0\nx,many,1,0,0,,,,0,1,0\ny,1,1,0,0,,,,0,1,5\nz,1,nan,0,0,,,,0,1,0\n"
        )
    assert [str(p) for p in caught.value.problems] == [
        "trace.csv:6:1: 'made-0' is there a second time (each task has its own name)",
        "trace.csv:7:1: cpu_milli: 'many' is not a number of zero or more",
        "trace.csv:8:1: y ends at 1 s, before it begins at 5 s",
        "trace.csv:9:1: memory_mib: 'nan' is not a number of zero or more",
    ]


def test_another_table_is_refused() -> None:
    with pytest.raises(InputError, match=r"no column cpu_milli \(did you mean cpu_mili\?\)"):
        imported("name,cpu_mili\na,1\n")


def test_a_packed_trace_is_the_trace() -> None:
    packed = table_of(gzip.compress(TRACE.encode()), "trace.csv.gz")
    assert read_openb(packed).intent == imported(TRACE).intent


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (gzip.compress(TRACE.encode())[:-20], "not a whole gzip file"),
        (b"\x1f\x8bnothing", "not a whole gzip file"),
        (gzip.compress(b"\n" * (LARGEST_TABLE_BYTES + 1)), "unpacks to more than 64 MiB"),
    ],
)
def test_a_broken_or_swelling_file_is_refused(raw: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        table_of(raw, "trace.csv.gz")
