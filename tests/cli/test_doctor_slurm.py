"""What ``situs doctor`` says of a real Slurm cluster with its REST daemon."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from bench.slurm_cluster import GPUS, NODES, SlurmCluster
from tests.cli.conftest import Call
from tests.cli.test_doctor import found
from tests.sites.slurm_rest import SlurmRest
from tests.sites.started import started_cluster, started_rest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    with started_cluster(tmp_path_factory.mktemp("doctor") / "cluster", tokens=True) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def rest(cluster: SlurmCluster) -> Iterator[SlurmRest]:
    with started_rest(cluster) as daemon:
        yield daemon


def seen(call: Call, home: Path, rest: SlurmRest, token: str) -> dict[str, dict[str, Any]]:
    """What is found of the cluster with a token, by check."""
    secrets, folder = home / ".situs" / "secrets", home / "shared"
    for made in (secrets, folder):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    (secrets / "slurm").touch(mode=0o600)
    (secrets / "slurm").write_text(token)
    options = {"address": rest.address, "folder": str(folder), "token": "file:slurm"}
    node = {"cpu": 2, "memory": "2GiB", "accelerators": GPUS}
    pool = {
        "node": node,
        "accelerator": "H100",
        "count": NODES,
        "price": {"basis": "owned", "price": "9 EUR"},
    }
    site = {"kind": "on_prem", "country": "DE", "adapter": {"kind": "slurm", "options": options}}
    (home / "estate.yaml").write_text(json.dumps({"sites": {"hall": {**site, "pools": {"gpu": pool}}}}))
    return {check: one for (subject, check), one in found(call, home).items() if subject == "hall"}


def signed(cluster: SlurmCluster, begun_s_ago: int, lasts_s: int) -> str:
    """A token that the cluster takes, as if it had been handed out some time ago."""
    key = OctKey.import_key((cluster.folder / "jwt.key").read_bytes())
    begun = int(time.time()) - begun_s_ago
    return jwt.encode({"alg": "HS256"}, {"iat": begun, "exp": begun + lasts_s, "sun": "root"}, key)


def test_a_token_is_told_of_before_and_after_its_end(
    call: Call, rest: SlurmRest, cluster: SlurmCluster, tmp_path: Path
) -> None:
    for good in (rest.token(600), signed(cluster, 3600, 7200), signed(cluster, 0, 365 * 86400)):
        assert not [check for check in seen(call, tmp_path, rest, good) if "credential" in check]
    soon = seen(call, tmp_path, rest, signed(cluster, 3600, 4200))
    assert soon["site-answers"]["level"] == "ok"
    told = soon["site-credential"]
    assert told["level"] == "warning"
    assert re.match(r"the token of slurmrestd ends in (9|10) min \(2\d{3}-.* UTC\);", told["cause"])
    assert "scontrol token lifespan" in told["next_step"]
    over = seen(call, tmp_path, rest, signed(cluster, 3600, 3590))["site-credential-over"]
    assert over["level"] == "error"
    assert "ended at" in over["cause"]
    assert "scontrol token lifespan" in over["next_step"]


def test_nodes_that_are_down_are_missed(
    call: Call, rest: SlurmRest, cluster: SlurmCluster, tmp_path: Path
) -> None:
    token = rest.token()
    assert not [check for check in seen(call, tmp_path, rest, token) if check.startswith("accelerators")]
    node = cluster.nodes[0]
    cluster.command("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
    try:
        fewer = seen(call, tmp_path, rest, token)["accelerators-fewer"]
    finally:
        cluster.resume()
    assert fewer["level"] == "error"
    assert fewer["cause"] == f"its pools have {NODES * GPUS} of H100, and {(NODES - 1) * GPUS} are there now"
