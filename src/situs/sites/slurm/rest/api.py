"""Slurm's REST daemon, ``slurmrestd``, as far as it is needed here.

It answers 500 to almost everything that is wrong, also when the controller is away or the token is over; only its
own error number tells what Slurm refused from what nobody has decided.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from situs.model.error import SitusError
from situs.sites.adapter import Credential, CredentialOver, Unreachable
from situs.sites.again import asked_again
from situs.sites.slurm.rest.forms import SPOKEN
from situs.sites.slurm.rest.token import Token, token_of
from situs.sites.web import WebClient

NO_JOB = 2017
REFUSES = (range(2000, 3000), range(9000, 10000))
"""Error numbers of the controller and of what reads a request; others are of the way between."""
NOT_NOW = re.compile("temporarily unable|timed out|unable to contact|communication", re.IGNORECASE)
DOCUMENT = "/openapi/v3"
RENEW = "`scontrol token lifespan=SECONDS` on the cluster writes one; put it in the place of the old one"


class SlurmRefusal(SitusError):
    """Slurm said no; ``code`` is its error number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"Slurm refuses it: {message}")
        self.code = code


class Undecided(Unreachable):
    """The daemon answered, and not what Slurm thinks of it: the token may be wrong, or the controller away."""


class SlurmApi:
    """One daemon, and one user. Any call may raise Unreachable and SlurmRefusal."""

    def __init__(
        self, address: str, token: Callable[[], str], user: str | None = None, ca: str | None = None
    ) -> None:
        """``token``: gives it anew for each call; ``user``: whose it is, where the token itself does not say;
        ``ca``: file of who signs the certificate."""
        self._given = token
        self._user = user
        self._web = WebClient(address, "slurmrestd", _refusal, self._headers, ca)
        self._version: str | None = None

    def token(self) -> Token:
        """The token as it is now. Raises SitusError."""
        return token_of(self._given())

    def user(self) -> str:
        """Whose jobs these are. Raises SitusError."""
        user = self._user or self.token().user
        if user is None:
            raise SitusError("the token of slurmrestd does not say whose it is; give the option user")
        return user

    def credential(self) -> Credential | None:
        """How long the token is good for; None: for ever. Raises SitusError."""
        token = self.token()
        if token.ends is None:
            return None
        return Credential("the token of slurmrestd", token.begins, token.ends, RENEW)

    def version(self) -> str:
        """The newest version of the interface that both sides speak. Raises SitusError when there is none."""
        if self._version is None:
            document = asked_again(lambda: self._sent("GET", DOCUMENT).json())
            there = set(re.findall(r"/slurm/(v\d+\.\d+\.\d+)/", " ".join(document.get("paths", ()))))
            known = [version for version in SPOKEN if version in there]
            if not known:
                offered = ", ".join(sorted(there)) or "none"
                raise SitusError(
                    f"slurmrestd offers the versions {offered} of its interface, and situs speaks "
                    f"{', '.join(SPOKEN)}; have it load another one (slurmrestd -s or -d)"
                )
            self._version = known[-1]
        return self._version

    def diag(self) -> Mapping[str, Any]:
        """Statistics of the controller."""
        return self._asked("diag")

    def nodes(self) -> list[Mapping[str, Any]]:
        """All nodes."""
        return list(self._asked("nodes")["nodes"])

    def job(self, number: str) -> Mapping[str, Any] | None:
        """What Slurm says about a job; None: it does not know it any more."""
        try:
            (job,) = self._asked(f"job/{number}")["jobs"]
        except SlurmRefusal as refusal:
            if refusal.code == NO_JOB:
                return None
            raise
        return dict(job)

    def named(self, name: str) -> Mapping[str, Any] | None:
        """The first job of ours with a name; None: Slurm knows of none."""
        user = self.user()
        jobs = (
            job for job in self._asked("jobs")["jobs"] if job["name"] == name and job["user_name"] == user
        )
        return min(jobs, key=lambda job: int(job["job_id"]), default=None)

    def submit(self, body: Mapping[str, Any]) -> str:
        """Submit a job, once; gives its number. After Unreachable it may have been submitted."""
        told = self._sent("POST", self._path("job/submit"), json=body).json()
        if not told.get("job_id"):
            raise SlurmRefusal(0, _said(told)[1] or "it gave no number")
        return str(told["job_id"])

    def cancel(self, number: str) -> None:
        """Have Slurm end a job; one that is over already is no error."""
        try:
            asked_again(lambda: self._sent("DELETE", self._path(f"job/{number}")))
        except SlurmRefusal as refusal:
            # Also when it is completing or has completed.
            if refusal.code not in (NO_JOB, 2021):
                raise

    def _asked(self, what: str) -> Mapping[str, Any]:
        return dict(asked_again(lambda: self._sent("GET", self._path(what)).json()))

    def _path(self, what: str) -> str:
        return f"/slurm/{self.version()}/{what}"

    def _sent(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            return self._web.send(method, path, **how)
        except Undecided as error:
            # A server that was updated may speak other versions now.
            self._version = None
            ends = self.token().ends
            if ends is not None and ends <= datetime.now(UTC):
                raise CredentialOver(
                    f"the token of slurmrestd ended at {ends:%Y-%m-%d %H:%M} UTC", RENEW
                ) from None
            raise Undecided(f"{error}; see that its token is valid and that slurmctld is up") from None

    def _headers(self) -> dict[str, str]:
        token = self.token()
        return {"X-SLURM-USER-NAME": self._user or token.user or "", "X-SLURM-USER-TOKEN": token.text}


def _refusal(answer: httpx.Response) -> SitusError:
    """What an answer that is an error means."""
    if answer.status_code in (401, 403, 511):
        return Undecided(f"slurmrestd does not take the token (HTTP {answer.status_code})")
    try:
        code, said = _said(answer.json())
    except (ValueError, AttributeError, TypeError):
        return Undecided(f"slurmrestd answers HTTP {answer.status_code}: {answer.text.strip()[:200]}")
    if any(code in codes for codes in REFUSES) and not NOT_NOW.search(said):
        return SlurmRefusal(code, said)
    return Undecided(f"slurmrestd got no answer of Slurm: {said or f'HTTP {answer.status_code}'}")


def _said(told: Mapping[str, Any]) -> tuple[int, str]:
    """The error number that tells most, and all that was said."""
    errors = told.get("errors") or []
    codes = [error.get("error_number", error.get("error_code", error.get("errno", -1))) for error in errors]
    words = [word for error in errors for word in (error.get("description"), error.get("error")) if word]
    return max((int(code or -1) for code in codes), default=-1), "; ".join(dict.fromkeys(words))[:400]
