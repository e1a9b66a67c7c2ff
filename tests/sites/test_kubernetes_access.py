"""Kubeconfigs: real files, real certificates, a real program as credential plugin."""

from __future__ import annotations

import base64
import json
import ssl
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from situs.model.error import SitusError
from situs.sites.kubernetes.access import access

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def pair() -> tuple[bytes, bytes]:
    """A certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return certificate.public_bytes(pem), key.private_bytes(pem, *plain)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a kubeconfig with one of each."""

    def written(name: str = "config", cluster: Any = None, user: Any = None, **more: Any) -> Path:
        config = {
            "clusters": [{"name": "c", "cluster": {"server": "https://c.example:6443", **(cluster or {})}}],
            "users": [{"name": "u", "user": user or {}}],
            "contexts": [{"name": "work", "context": {"cluster": "c", "user": "u", **more}}],
            "current-context": "work",
        }
        path = tmp_path / name
        path.write_text(yaml.safe_dump(config))
        return path

    return written


def test_a_token_and_a_namespace(write: Write) -> None:
    found = access(write(user={"token": "t0k3n"}, namespace="research"), None, {})
    assert (found.server, found.token(), found.namespace) == ("https://c.example:6443", "t0k3n", "research")
    assert found.ssl.verify_mode is ssl.CERT_REQUIRED
    assert found.ssl.check_hostname
    assert "t0k3n" not in repr(found)


def test_files_are_seen_from_the_kubeconfig(write: Write, tmp_path: Path, pair: tuple[bytes, bytes]) -> None:
    (tmp_path / "ca.pem").write_bytes(pair[0])
    (tmp_path / "token").write_text("first\n")
    found = access(write(cluster={"certificate-authority": "ca.pem"}, user={"tokenFile": "token"}), None, {})
    assert len(found.ssl.get_ca_certs()) == 1
    assert found.token() == "first"
    (tmp_path / "token").write_text("renewed\n")
    assert found.token() == "renewed"


def test_a_client_certificate_is_presented(write: Write, pair: tuple[bytes, bytes]) -> None:
    certificate, key = (base64.b64encode(part).decode() for part in pair)
    user = {"client-certificate-data": certificate, "client-key-data": key}
    authority = {"certificate-authority-data": certificate}
    assert access(write(cluster=authority, user=user), None, {}).token() is None
    with pytest.raises(SitusError, match="needs its client-key"):
        access(write(user={"client-certificate-data": certificate}), None, {})
    with pytest.raises(SitusError, match="cannot be used"):
        access(write(user=user | {"client-key-data": certificate}), None, {})


def test_the_first_of_several_files_counts(write: Write, tmp_path: Path) -> None:
    first, second = write("one", user={"token": "1"}), write("two", user={"token": "2"})
    environment = {"KUBECONFIG": f"{tmp_path / 'none'}:{second}:{first}"}
    assert access(None, None, environment).token() == "2"
    home = tmp_path / ".kube" / "config"
    home.parent.mkdir()
    home.write_bytes(first.read_bytes())
    assert access(None, "work", {"HOME": str(tmp_path)}).token() == "1"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"cluster": {"insecure-skip-tls-verify": True}}, "insecure-skip-tls-verify"),
        ({"cluster": {"server": "http://c.example"}}, "does not begin with https"),
        ({"cluster": {"certificate-authority-data": "!"}}, "no base64"),
        ({"cluster": {"certificate-authority-data": "aGk="}}, "holds no certificate"),
        ({"cluster": {"certificate-authority": "nowhere.pem"}}, "cannot be read"),
        ({"user": {"username": "a", "password": "hush-hush"}}, "no longer known"),
        ({"cluster": {"server": ""}}, "has no server"),
    ],
)
def test_what_is_wrong_is_said(write: Write, parts: dict[str, Any], said: str) -> None:
    with pytest.raises(SitusError, match=said) as raised:
        access(write(**parts), None, {})
    assert "hush-hush" not in str(raised.value)


def test_what_is_missing_is_said(write: Write, tmp_path: Path) -> None:
    with pytest.raises(SitusError, match=r"no context 'wrok' in .*; there are work"):
        access(write(), "wrok", {})
    with pytest.raises(SitusError, match="there is no kubeconfig"):
        access(None, "work", {"HOME": str(tmp_path)})
    broken = tmp_path / "broken"
    broken.write_text("users: [{token: hush-hush")
    with pytest.raises(SitusError, match="is no YAML") as raised:
        access(broken, None, {})
    assert "hush-hush" not in str(raised.value)


class TestPlugin:
    def plugin(self, folder: Path, answer: str, code: int = 0) -> dict[str, Any]:
        """A program that counts how often it was asked."""
        program = folder / "plugin"
        program.write_text(
            f'#!/bin/sh\necho "$KUBERNETES_EXEC_INFO" >>"{folder}/asked"\n'
            f"cat <<'END'\n{answer}\nEND\necho \"it is $COLOUR\" >&2\nexit {code}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {
            "exec": {"command": "./plugin", "env": [{"name": "COLOUR", "value": "blue"}], "apiVersion": "v9"}
        }

    def asked(self, folder: Path) -> int:
        return len((folder / "asked").read_text().splitlines())

    def test_it_is_asked_once_while_its_token_lasts(self, write: Write, tmp_path: Path) -> None:
        soon = datetime.now(UTC) + timedelta(hours=1)
        answer = {"status": {"token": "t", "expirationTimestamp": f"{soon:%Y-%m-%dT%H:%M:%SZ}"}}
        found = access(write(user=self.plugin(tmp_path, json.dumps(answer))), None, {})
        assert [found.token() for _ in range(3)] == ["t"] * 3
        assert self.asked(tmp_path) == 1
        assert json.loads((tmp_path / "asked").read_text())["apiVersion"] == "v9"

    def test_it_is_asked_again_when_its_token_ends(self, write: Write, tmp_path: Path) -> None:
        answer = {"status": {"token": "t", "expirationTimestamp": "2020-01-01T00:00:00Z"}}
        found = access(write(user=self.plugin(tmp_path, json.dumps(answer))), None, {})
        assert [found.token() for _ in range(3)] == ["t"] * 3
        assert self.asked(tmp_path) == 3

    def test_how_it_failed_is_said(self, write: Write, tmp_path: Path) -> None:
        with pytest.raises(SitusError, match="failed with 3: it is blue"):
            access(write(user=self.plugin(tmp_path, "", 3)), None, {}).token()
        with pytest.raises(SitusError, match="gave no token") as raised:
            access(write(user=self.plugin(tmp_path, '{"status": "hush-hush"}')), None, {}).token()
        assert "hush-hush" not in str(raised.value)
        with pytest.raises(SitusError, match="gave nothing"):
            access(write(user={"exec": {"command": "no-such-plugin-anywhere"}}), None, {}).token()
