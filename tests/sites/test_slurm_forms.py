"""How versions of Slurm's REST interface write things, in answers that real ones gave."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from situs.model.error import SitusError
from situs.sites.adapter import Key, Task
from situs.sites.slurm.rest.forms import inventory, job_of, state_of, submission, works
from situs.sites.slurm.rest.token import token_of
from situs.sites.slurm.states import Job, judged
from situs.sites.slurm.submission import SlurmOptions

TASK = Task(Key("job", 1), ("true",), nodes=2, cpus=3, memory_gib=1, accelerators=4, timeout_s=60)
OPTIONS = SlurmOptions("/shared", partition="batch", gres="gpu:h100")


def jwt(**claims: object) -> str:
    def part(content: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_a_job_is_written_as_each_version_takes_it() -> None:
    old = submission("v0.0.38", TASK, OPTIONS, "name", "/shared/runs/job.0@1")["job"]
    assert (old["nodes"], old["memory_per_node"], old["time_limit"], old["gres"]) == (
        2,
        1032,
        3,
        "gpu:h100:4",
    )
    assert old["no_requeue"] is True
    assert "requeue" not in old, "it takes no for yes"
    new = submission("v0.0.42", TASK, OPTIONS, "name", "/shared/runs/job.0@1")["job"]
    assert (new["minimum_nodes"], new["maximum_nodes"], new["tres_per_node"]) == (2, 2, "gres/gpu:h100:4")
    assert (new["memory_per_node"]["number"], new["time_limit"]["number"]) == (1032, 3)
    assert new["requeue"] is False
    assert new["environment"] == [f"PATH={OPTIONS.path}"]
    for job in (old, new):
        assert (job["partition"], job["cpus_per_task"], job["tasks"], job["tasks_per_node"]) == (
            "batch",
            3,
            2,
            1,
        )
        assert not {"account", "dependency", "flags", "kill_on_invalid_dependency"} & job.keys()


def test_a_dependency_ends_what_waits_in_vain_in_each_version() -> None:
    waiting = replace(OPTIONS, dependency="afterok:7")
    old, new = (submission(version, TASK, waiting, "n", "/f")["job"] for version in ("v0.0.38", "v0.0.42"))
    assert (old["dependency"], old["kill_on_invalid_dependency"]) == ("afterok:7", True)
    assert (new["dependency"], new["flags"]) == ("afterok:7", ["KILL_INVALID_DEPENDENCY"])
    vain = {
        "job_id": 8, "job_state": ["CANCELLED"], "nodes": "", "state_reason": "DependencyNeverSatisfied",
    }  # fmt: skip
    assert judged(job_of(vain, lambda: 0.0), asked_to_stop=False).status.reason == "dependency"


def test_a_job_is_read_as_each_version_tells_it() -> None:
    new = {
        "job_id": 7, "job_state": ["FAILED"], "nodes": "n1", "state_reason": "None",
        "end_time": {"set": True, "infinite": False, "number": 90},
    }  # fmt: skip
    assert job_of(new, lambda: 100.0) == Job("7", "FAILED", "n1", 10.0)
    assert job_of({**new, "job_state": "COMPLETED", "end_time": 95}, lambda: 100.0) == Job(
        "7", "COMPLETED", "n1", 5.0
    )
    cleaning = {**new, "job_state": ["CANCELLED", "COMPLETING"]}
    assert job_of(cleaning, lambda: 100.0) == Job("7", "COMPLETING", "n1")
    waits = {**new, "job_state": ["PENDING"], "nodes": "", "state_reason": "Resources"}
    assert job_of(waits, lambda: 100.0) == Job("7", "PENDING", "Resources")


def test_what_a_node_is_in_and_has() -> None:
    node = {"state": ["IDLE"], "gres": "gpu:h100:2(S:0-1)", "cpus": 2, "real_memory": 2048, "partitions": []}
    gone = {**node, "state": ["IDLE", "DRAIN"]}
    old = {**node, "state": "idle", "state_flags": ["DRAIN"]}
    assert [works(each) for each in (node, gone, old)] == [True, False, False]
    assert [state_of(each) for each in (gone, old)] == ["idle+drain"] * 2
    assert not works({**node, "state": ["MIXED", "NOT_RESPONDING"]})
    assert works({**node, "state": ["MIXED", "COMPLETING"]})
    there = inventory([node, gone, node])
    assert (there.cpus, there.memory_gib, there.accelerators) == (4, 4.0, {"h100": 4})


def test_a_token_tells_whose_it_is_and_when_it_ends() -> None:
    text = jwt(sun="ann", exp=1_800_000_000)
    for kept in (text, f"SLURM_JWT={text}\n"):
        token = token_of(kept)
        assert (token.text, token.user) == (text, "ann")
        assert token.ends == datetime.fromtimestamp(1_800_000_000, UTC)
        assert text not in repr(token)
    assert token_of(jwt(preferred_username="ann")).user is None
    assert token_of(jwt(sun="ann")).ends is None


@pytest.mark.parametrize("text", ["", "sesame", "a.b.c", "a.é.c", f"a.{base64.b64encode(b'[1]').decode()}.c"])
def test_what_is_no_token_is_told_without_showing_it(text: str) -> None:
    with pytest.raises(SitusError, match="no JSON Web Token") as told:
        token_of(text)
    assert "sesame" not in str(told.value)
