"""Who is asked, and as whom: a context of a kubeconfig, as ``kubectl`` reads it, or the pod that situs itself runs in.

Nothing is asked here but a credential plugin that the kubeconfig names.  A server whose certificate is not to be
checked is refused: whoever is in between would get every secret of a run.
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from situs.model.error import SitusError
from situs.sites.kubernetes.plugin import plugin_token

POD = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the credentials of its own service account."""
Token = Callable[[], str | None]


@dataclass(frozen=True)
class Access:
    """All that a request needs."""

    server: str
    """``https://host:port``, perhaps with a path"""
    ssl: ssl.SSLContext
    token: Token
    """asked for every request, as tokens are renewed; None: the certificate says who asks"""
    namespace: str
    """that the context names"""


def access(kubeconfig: Path | None, context: str | None, environment: Mapping[str, str]) -> Access:
    """The way to a cluster. Raises SitusError when the files do not tell it.

    ``kubeconfig``: None for those of ``KUBECONFIG``, else ``~/.kube/config``, else the pod's own account.
    ``context``: None for the current one.
    """
    files = _files(kubeconfig, environment)
    if not files and kubeconfig is None and context is None and (POD / "token").is_file():
        return _of_pod(environment)
    if not files:
        raise SitusError("there is no kubeconfig; name one by the option kubeconfig or by KUBECONFIG")
    loaded = [(file, _read(file)) for file in files]
    wanted = context or next((str(c["current-context"]) for _, c in loaded if c.get("current-context")), None)
    if wanted is None:
        raise SitusError(f"{files[0]} names no current context; name one by the option context")
    found = _entry(loaded, "contexts", "context", wanted)
    if found is None:
        names = sorted({str(c.get("name")) for _, config in loaded for c in _list(config, "contexts")})
        there = f"there are {', '.join(names)}" if names else "there is none"
        raise SitusError(f"no context {wanted!r} in {', '.join(map(str, files))}; {there}")
    _, chosen = found
    cluster = _entry(loaded, "clusters", "cluster", str(chosen.get("cluster")))
    if cluster is None or not cluster[1].get("server"):
        raise SitusError(f"context {wanted}: its cluster {chosen.get('cluster')!r} has no server")
    user = _entry(loaded, "users", "user", str(chosen.get("user"))) or (files[0], {})
    server = str(cluster[1]["server"]).rstrip("/")
    tls, certificate = _tls(server, *cluster), _certificate(*user)
    if certificate is not None:
        _present(tls, *certificate)
    return Access(server, tls, _token(*user), str(chosen.get("namespace") or "default"))


def _files(kubeconfig: Path | None, environment: Mapping[str, str]) -> list[Path]:
    if kubeconfig is not None:
        return [kubeconfig]
    named = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    home = Path(environment.get("HOME", "/")) / ".kube" / "config"
    return [path for path in named or [home] if path.is_file()]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SitusError(f"kubeconfig {file} cannot be read: {type(error).__name__}") from error
    except yaml.YAMLError:
        # Not what the parser says: it shows the lines, and there are keys in them.
        raise SitusError(f"kubeconfig {file} is no YAML") from None
    if not isinstance(config, dict):
        raise SitusError(f"kubeconfig {file} is no kubeconfig")
    return config


def _list(config: Mapping[str, Any], section: str) -> list[Mapping[str, Any]]:
    listed = config.get(section)
    return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []


def _entry(
    loaded: list[tuple[Path, Mapping[str, Any]]], section: str, kind: str, name: str
) -> tuple[Path, Mapping[str, Any]] | None:
    """The first of that name, as ``kubectl`` takes it, and the file it is in."""
    for file, config in loaded:
        for entry in _list(config, section):
            if entry.get("name") == name and isinstance(entry.get(kind), dict):
                return file, entry[kind]
    return None


def _content(file: Path, entry: Mapping[str, Any], name: str) -> bytes | None:
    """What an entry holds in itself, or in a file that it names, seen from the kubeconfig's folder."""
    if text := entry.get(f"{name}-data"):
        try:
            return base64.b64decode(str(text), validate=True)
        except (binascii.Error, ValueError):
            raise SitusError(f"kubeconfig {file}: {name}-data is no base64") from None
    if path := entry.get(name):
        place = file.parent / str(path)
        try:
            return place.read_bytes()
        except OSError as error:
            raise SitusError(
                f"kubeconfig {file}: {name}: {place} cannot be read: {error.strerror}"
            ) from error
    return None


def _tls(server: str, file: Path, cluster: Mapping[str, Any]) -> ssl.SSLContext:
    if urlsplit(server).scheme != "https":
        raise SitusError(f"kubeconfig {file}: {server} does not begin with https://")
    if cluster.get("insecure-skip-tls-verify"):
        raise SitusError(
            f"kubeconfig {file}: the certificate of {server} is not to be checked (insecure-skip-tls-verify); "
            "give its authority as certificate-authority-data instead"
        )
    authority = _content(file, cluster, "certificate-authority")
    try:
        return ssl.create_default_context(cadata=authority.decode() if authority else None)
    except (ssl.SSLError, ValueError):
        raise SitusError(f"kubeconfig {file}: certificate-authority holds no certificate") from None


def _certificate(file: Path, user: Mapping[str, Any]) -> tuple[bytes, bytes] | None:
    certificate, key = (_content(file, user, name) for name in ("client-certificate", "client-key"))
    if (certificate is None) != (key is None):
        raise SitusError(
            f"kubeconfig {file}: a client-certificate needs its client-key, and the other way round"
        )
    return None if certificate is None or key is None else (certificate, key)


def _present(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    # Python reads them from a file only; it is there, for nobody else's eyes, for as long as that takes.
    with tempfile.NamedTemporaryFile(prefix="situs-") as file:
        file.write(certificate + b"\n" + key)
        file.flush()
        try:
            tls.load_cert_chain(file.name)
        except ssl.SSLError:
            raise SitusError("the kubeconfig's client certificate and key cannot be used") from None


def _token(file: Path, user: Mapping[str, Any]) -> Token:
    if text := user.get("token"):
        return lambda: str(text)
    if path := user.get("tokenFile"):
        place = file.parent / str(path)
        return lambda: _of_file(place)
    if isinstance(plugin := user.get("exec"), dict):
        return plugin_token(plugin, file.parent)
    if user.get("username") or user.get("auth-provider"):
        raise SitusError(
            f"kubeconfig {file}: passwords and auth-provider are no longer known to clusters; use a token, a "
            "certificate or a credential plugin (exec)"
        )
    return lambda: None


def _of_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SitusError(f"the token in {path} cannot be read: {error.strerror}") from error


def _of_pod(environment: Mapping[str, str]) -> Access:
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise SitusError("this pod does not know its cluster: KUBERNETES_SERVICE_HOST is not set")
    tls = ssl.create_default_context(cafile=str(POD / "ca.crt"))
    namespace = (POD / "namespace").read_text(encoding="utf-8").strip()
    shown = f"[{host}]" if ":" in host else host
    return Access(f"https://{shown}:{port}", tls, lambda: _of_file(POD / "token"), namespace)
