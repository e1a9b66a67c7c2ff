"""People who come with what their organisation's login gave them (OpenID Connect), instead of a token of ours.

What counts is who issued it, for whom, until when, and its signature by one of the issuer's own keys; which roles its
groups have is said by whoever runs the control plane.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from situs.api.permissions import EVERYTHING, ROLES, Grant, Principal, grants_of
from situs.api.problems import Problem
from situs.model.error import InputError

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Signatures by a key that the issuer alone has; what is signed by a shared secret, or by nobody, is refused."""
KEPT_S = 600.0
"""Keys are fetched again after so long,"""
SOONEST_S = 10.0
"""and for a key that is not known sooner, but not more often than this."""
SKEW_S = 30
LARGEST = 16_000


@dataclass(frozen=True)
class Trust:
    """Whose word is taken."""

    issuer: str
    audience: str
    """the client id that the login was for"""
    grants: Mapping[str, tuple[Grant, ...]]
    """group -> its roles"""
    claim: str = "groups"
    """that has the groups"""


class Login:
    """One issuer, with the keys it signs with."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._turn = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_s = -KEPT_S

    @property
    def issuer(self) -> str:
        """Where people log in."""
        return self._trust.issuer

    @property
    def client_id(self) -> str:
        """The client that such a login must be for."""
        return self._trust.audience

    @property
    def may_approve(self) -> bool:
        """Whether any group of people may approve plans."""
        return any(
            grant.project == EVERYTHING and "approve" in ROLES[grant.role]
            for grants in self._trust.grants.values()
            for grant in grants
        )

    def principal(self, shown: str) -> Principal | None:
        """Who it says; None when it is not good. Raises Problem when the issuer cannot be asked for its keys."""
        if len(shown) > LARGEST:
            return None
        for newest in (False, True):
            try:
                token = jwt.decode(shown, self._known(newest=newest), algorithms=list(ALGORITHMS))
                self._rules().validate(token.claims)
            except JoseError:
                continue
            except (ValueError, KeyError, TypeError):
                return None
            return self._named(token.claims)
        return None

    def _rules(self) -> jwt.JWTClaimsRegistry:
        trust = self._trust
        return jwt.JWTClaimsRegistry(
            leeway=SKEW_S,
            iss={"essential": True, "value": trust.issuer},
            aud={"essential": True, "value": trust.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )

    def _named(self, claims: Mapping[str, object]) -> Principal:
        name = next(
            (
                str(claims[key])
                for key in ("preferred_username", "email", "sub")
                if isinstance(claims.get(key), str)
            ),
            "",
        )
        groups = claims.get(self._trust.claim)
        found: list[Grant] = []
        for group in groups if isinstance(groups, list) else ():
            found += self._trust.grants.get(str(group), ())
        return Principal(name[:100], tuple(found), f"{self._trust.issuer}#{claims['sub']}")

    def _known(self, *, newest: bool) -> KeySet:
        """Its keys; ``newest``: one was not known, so there may be new ones."""
        with self._turn:
            age_s = time.monotonic() - self._fetched_s
            if self._keys is None or age_s > (SOONEST_S if newest else KEPT_S):
                self._fetched_s = time.monotonic()
                self._keys = _fetched(self._trust.issuer)
            return self._keys


def trust(issuer: str, audience: str, said: Sequence[str], claim: str) -> Trust:
    """From what the command says: each grant is ``GROUP=ROLE`` or ``GROUP=ROLE@PROJECT``. Raises InputError."""
    if not issuer.startswith("https://") and not issuer.startswith(("http://127.0.0.1", "http://localhost")):
        raise InputError(f"--oidc-issuer {issuer}: an issuer is asked by TLS alone; write https://...")
    grants: dict[str, tuple[Grant, ...]] = {}
    for text in said:
        group, equals, role_at = text.partition("=")
        role, _, project = role_at.partition("@")
        if not group or not equals or role not in ROLES:
            raise InputError(
                f"--oidc-grant {text!r} is not GROUP=ROLE[@PROJECT] with a role of {', '.join(ROLES)}"
            )
        grants[group] = (
            *grants.get(group, ()),
            *grants_of([{"role": role, "project": project or EVERYTHING}]),
        )
    return Trust(issuer, audience, grants, claim)


def _fetched(issuer: str) -> KeySet:
    try:
        with httpx.Client(timeout=5.0, follow_redirects=False) as asked:
            described = (
                asked.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").raise_for_status().json()
            )
            # Another issuer's description would have its keys taken for this one's.
            if described["issuer"] != issuer:
                raise ValueError(f"it calls itself {described['issuer']}")
            return KeySet.import_key_set(asked.get(described["jwks_uri"]).raise_for_status().json())
    except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
        raise Problem(
            503, f"the issuer {issuer} cannot be asked for its keys: {error}", {"Retry-After": "10"}
        ) from None
