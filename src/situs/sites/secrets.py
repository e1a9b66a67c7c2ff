"""From a reference to the secret, at the last moment and by the process that hands it over.

What is read is kept nowhere: neither in a file, nor in an error, nor in memory for longer than it is needed.  An
estate is written by many, and the control plane may read much that they may not; so a reference reaches only what
was put out for it: variables that begin with ``SITUS_SECRET_``, files of folders that are kept for secrets and that
nobody else can read, where each use case may have a folder of its own, and in a vault what its token may read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from situs.model.error import SitusError
from situs.model.secret import KNOWN_SHAPES, Reference, reference

PREFIX = "SITUS_SECRET_"
ANSWER_S = 10.0
LARGEST = 64 << 10
"""An environment holds little more."""


_HELD: dict[str, str] = {}


class NoSecret(SitusError):
    """A secret cannot be had. Says where it was looked for, and nothing of what was found."""


def withhold() -> None:
    """Take secrets out of this process's environment, so that no program that it starts gets them."""
    for name in list(os.environ):
        if name.startswith(PREFIX) or name == "VAULT_TOKEN":
            _HELD[name] = os.environ.pop(name)


def redacted(text: str) -> str:
    """The text without what this process was given as secrets, and without what only a secret looks like."""
    for value in _HELD.values():
        if value:
            text = text.replace(value, "[secret]")
    for shape in KNOWN_SHAPES:
        text = shape.sub("[secret]", text)
    return text


def secrets(
    wanted: Mapping[str, str], folder: Path, use_case: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:  # fmt: skip
    """Variable -> secret, from variable -> reference. Raises NoSecret.

    ``folder``: the control plane's own; ``use_case``: whose secrets may be had besides those that are for all.
    """
    found = {}
    for name, text in wanted.items():
        try:
            found[name] = secret(reference(text), folder, use_case, environment)
        except NoSecret as error:
            raise NoSecret(f"secret {name}: {error}") from None
    return found


def secret(
    wanted: Reference, folder: Path, use_case: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """The secret itself. ``environment``: None for this process's own. Raises NoSecret."""
    if environment is None:
        environment = {**os.environ, **_HELD}
    if wanted.scheme == "env":
        value = environment.get(PREFIX + wanted.where)
        if value is None:
            raise NoSecret(f"{wanted}: the control plane's environment has no {PREFIX}{wanted.where}")
        return value
    if wanted.scheme == "file":
        return _of_file(wanted, folder, use_case, environment)
    return _of_vault(wanted, environment)


def _of_file(wanted: Reference, folder: Path, use_case: str | None, environment: Mapping[str, str]) -> str:
    given = (environment.get("SITUS_SECRETS", ""), environment.get("CREDENTIALS_DIRECTORY", ""))
    tops = [folder / "secrets", *(Path(part) for text in given for part in text.split(os.pathsep) if part)]
    folders = [part for top in tops for part in ([top / use_case] if use_case else []) + [top]]
    for place in folders:
        # An absolute path replaces the folder, and has to lie in it nevertheless; links are followed first. What lies
        # in a folder of it is some use case's own.
        path = (place / wanted.where).resolve()
        if path.parent != place.resolve() or not path.is_file():
            continue
        if path.stat().st_mode & 0o077:
            raise NoSecret(f"{wanted}: others may read {path}; chmod 600 it, and change the secret")
        raw = path.read_bytes()
        if len(raw) > LARGEST:
            raise NoSecret(f"{wanted}: {path} is over {LARGEST >> 10} KiB")
        try:
            return raw.decode().removesuffix("\n")
        except UnicodeDecodeError:
            # Not from the error itself: that would show what it read.
            raise NoSecret(f"{wanted}: {path} is no text") from None
    looked = ", ".join(map(str, folders))
    raise NoSecret(f"{wanted}: there is no such file in {looked}; SITUS_SECRETS names further folders")


def _of_vault(wanted: Reference, environment: Mapping[str, str]) -> str:
    import httpx

    address = environment.get("VAULT_ADDR", "")
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        what = f"VAULT_ADDR is {address!r}" if address else "there is no VAULT_ADDR"
        raise NoSecret(f"{wanted}: {what}; give the vault's address, beginning with https://")
    mount, _, path = wanted.where.partition("/")
    try:
        answer = httpx.get(
            f"{address.rstrip('/')}/v1/{mount}/data/{path}",
            headers={"X-Vault-Token": _token(environment), "X-Vault-Request": "true"} | _namespace(environment),
            timeout=ANSWER_S, verify=environment.get("VAULT_CACERT") or True, trust_env=False,
        )  # fmt: skip
    except (httpx.HTTPError, OSError) as error:
        raise NoSecret(f"{wanted}: the vault at {address} gave no answer: {type(error).__name__}") from None
    if answer.status_code != 200:
        raise NoSecret(
            f"{wanted}: the vault says {answer.status_code} ({_SAYS.get(answer.status_code, 'see its log')})"
        )
    try:
        value = answer.json()["data"]["data"][wanted.key]
    except (ValueError, KeyError, TypeError):
        raise NoSecret(
            f"{wanted}: what is there has no {wanted.key!r}, or the mount is no KV of version 2"
        ) from None
    if not isinstance(value, str):
        raise NoSecret(f"{wanted}: it is no text")
    return value


_SAYS = {
    403: "its token may not read that, or is over", 404: "there is nothing at that path", 503: "it is sealed",
}  # fmt: skip


def _token(environment: Mapping[str, str]) -> str:
    """As the vault's own tools find it: in the environment, else in the user's ``~/.vault-token``."""
    if token := environment.get("VAULT_TOKEN"):
        return token
    try:
        return (Path(environment.get("HOME", "/")) / ".vault-token").read_text(encoding="utf-8").strip()
    except OSError:
        raise NoSecret("there is neither VAULT_TOKEN nor ~/.vault-token") from None


def _namespace(environment: Mapping[str, str]) -> dict[str, str]:
    namespace = environment.get("VAULT_NAMESPACE")
    return {"X-Vault-Namespace": namespace} if namespace else {}
