"""What Ray cannot do by itself about a run: short jobs on the run's node that do it.

Ray's interface knows neither signals, nor a grace, nor files of a job.  An order is a job of its own that takes no
processor; it is safe to repeat, so one whose answer is lost is simply given again.
"""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from situs.model.error import SitusError
from situs.sites.adapter import Unreachable
from situs.sites.ray.api import RayApi
from situs.sites.ray.package import tools

OVER = ("SUCCEEDED", "FAILED", "STOPPED")
TAKEN_S = 60.0
"""A node that lives takes a job within a second or two, unless it has much to do."""
OLD_S = 600.0
PAUSE_S = 0.05
SHARE = 0.0001
"""Of the resource that each node has one of: what is asked of it only says where a job is to run."""


@dataclass(frozen=True)
class Done:
    """How an order went: the exit code of the verb, and what it said."""

    code: int
    said: str


class Orders:
    """Orders to the nodes of one cluster."""

    def __init__(self, api: RayApi, mark: str) -> None:
        self._api = api
        self._mark = mark
        self._prefix = f"situs-order-{mark}-"

    def give(self, job: Any, name: str, verb: str, *args: str) -> Done:
        """Have the node of a job do one thing about the run of this name. Raises Unreachable."""
        host = urlsplit(job["driver_agent_http_address"]).hostname
        self._clear()
        order = f"{self._prefix}{uuid4().hex}"
        self._api.submit(
            order,
            entrypoint=shlex.join(("exec", "python3", "run.py", "order", self._mark, name, verb, *args)),
            entrypoint_resources={f"node:{host}": SHARE},
            runtime_env={"working_dir": self._api.provide(tools())},
        )
        return self._answer(order)

    def _clear(self) -> None:
        """Remove orders that are long over: whoever gave them has the answer, or is gone."""
        old_ms = (time.time() - OLD_S) * 1000
        for job in self._api.jobs():
            if (job.get("submission_id") or "").startswith(self._prefix) and (
                job.get("end_time") or old_ms
            ) < old_ms:
                self._api.delete(job["submission_id"])

    def _answer(self, order: str) -> Done:
        deadline = time.monotonic() + TAKEN_S
        while time.monotonic() < deadline:
            found = self._api.job(order)
            # Ray notices only after a second that a job is over; what it has written is there before.
            if found and found["status"] != "PENDING":
                lines = self._api.said(order).strip().splitlines()
                try:
                    told = json.loads(lines[-1])
                    return Done(told["code"], told["said"])
                except (IndexError, ValueError, KeyError, TypeError):
                    if found["status"] in OVER:
                        said = lines[-1][:300] if lines else found.get("message")
                        raise SitusError(f"the run's node did not do what it was told: {said}") from None
            time.sleep(PAUSE_S)
        self._api.stop(order)
        raise Unreachable("the run's node has not taken an order for a minute; Ray may have lost it")
