"""The command that serves it: a process, its socket and its port."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from situs.api.serve import SOCKET, TOKEN
from tests.api.test_serving import at_socket, free_port
from tests.control.plane import until

ESTATE = "sites: {a: {kind: on_prem, country: DE, pools: {box: {node: {cpu: 1, memory: 1GiB}}}}}\n"


@pytest.mark.slow
def test_the_control_plane_answers_while_it_runs_and_ends_when_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    folder, port = tmp_path / ".situs", free_port()
    words = [sys.executable, "-m", "situs.cli", "up", "-C", str(tmp_path), "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: (folder / SOCKET).exists() or process.poll() is not None, "it is up")
        with at_socket(folder) as asked:
            until(lambda: asked.get("/v1/overview").json()["leader"] is not None, "it leads")
        header = {"Authorization": f"Bearer {(folder / TOKEN).read_text().strip()}"}
        assert httpx.get(f"http://127.0.0.1:{port}/v1/queues", headers=header).json() == []
        # The token is in no list of processes, and in nothing that the process says.
        assert header["Authorization"].split()[1] not in Path(f"/proc/{process.pid}/cmdline").read_text()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert header["Authorization"].split()[1] not in said
    finally:
        process.kill()
        process.wait()
    words[-1] = "0.0.0.0:1"
    refused = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert "--tls-cert" in refused.stderr
