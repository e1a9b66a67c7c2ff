"""Plans that are handed in to a control plane elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from situs.client import enclosed
from situs.client.asking import Asking
from situs.client.told import part, understood
from situs.control.approval.verdicts import Proposal
from situs.model.plan import Plan
from situs.store.plans import Target

if TYPE_CHECKING:
    from situs.client.offer import Offer


class RemoteProposals:
    """Those of one server."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def newest(self, count: int) -> Sequence[Proposal]:
        return understood(list[Proposal], self._asking.get("/v1/plans", limit=count))

    def one(self, plan: str) -> Proposal:
        return understood(Proposal, self._asking.get(f"/v1/plans/{part(plan)}/proposal"))

    def document(self, plan: str) -> Plan:
        return understood(Plan, self._asking.get(f"/v1/plans/{part(plan)}"))

    def propose(self, offer: Offer, reason: str | None) -> Proposal:
        body = {
            "estate": offer.text, "plan": offer.plan.model_dump(mode="json") if offer.plan is not None else None,
            "off": sorted(offer.off), "files": enclosed.encoded(offer.files), "reason": reason,
        }  # fmt: skip
        key = secrets.token_hex(16)
        return understood(Proposal, self._asking.send("POST", "/v1/plans", body, key=key))

    def apply(self, plan: str, reason: str | None) -> Target:
        return self._decided(plan, "apply", reason)

    def approve(self, plan: str, reason: str | None) -> Target:
        return self._decided(plan, "approve", reason)

    def reject(self, plan: str, reason: str) -> bool:
        path = f"/v1/plans/{part(plan)}/reject"
        return bool(self._asking.send("POST", path, {"reason": reason})["changed"])

    def _decided(self, plan: str, act: str, reason: str | None) -> Target:
        path = f"/v1/plans/{part(plan)}/{act}"
        return understood(Target, self._asking.send("POST", path, {"reason": reason}))
