"""References become secrets only from where secrets were put out, and nothing of them is ever told."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.intent import loads
from situs.intent.literal_secrets import literal_secrets
from situs.model.error import InputError
from situs.model.secret import looks_secret, reference
from situs.sites.secrets import NoSecret, secrets

CANARY = "canary-7f3a9c"


def one(
    text: str, folder: Path, environment: dict[str, str] | None = None, use_case: str | None = None
) -> str:
    return secrets({"X": text}, folder, use_case, environment or {})["X"]


class TestEnvironment:
    def test_only_what_was_put_out_for_secrets_is_read(self, tmp_path: Path) -> None:
        assert one("env:DB", tmp_path, {"SITUS_SECRET_DB": CANARY}) == CANARY
        with pytest.raises(NoSecret, match=r"secret X: env:HOME: .* has no SITUS_SECRET_HOME"):
            one("env:HOME", tmp_path, {"HOME": CANARY})


class TestFile:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "own" / "secrets").mkdir(parents=True)
        return tmp_path / "own"

    def put(self, path: Path, text: str, mode: int = 0o600) -> None:
        path.write_text(text)
        path.chmod(mode)

    def test_its_last_end_of_line_is_not_part_of_it(self, folder: Path) -> None:
        self.put(folder / "secrets" / "db", f"{CANARY}\n\n")
        assert one("file:db", folder) == f"{CANARY}\n"

    def test_further_folders_are_named_in_the_environment(self, folder: Path, tmp_path: Path) -> None:
        self.put(tmp_path / "there", CANARY)
        for variable in ("SITUS_SECRETS", "CREDENTIALS_DIRECTORY"):
            assert one("file:there", folder, {variable: str(tmp_path)}) == CANARY
            assert one(f"file:{tmp_path}/there", folder, {variable: str(tmp_path)}) == CANARY

    def test_nothing_outside_of_them_is_read(self, folder: Path, tmp_path: Path) -> None:
        self.put(tmp_path / "other", CANARY)
        (folder / "secrets" / "link").symlink_to(tmp_path / "other")
        for path in ("../../other", str(tmp_path / "other"), "link", ".", "/etc/shadow"):
            with pytest.raises(NoSecret, match="no such file"):
                one(f"file:{path}", folder)

    def test_what_is_a_use_cases_own_no_other_one_has(self, folder: Path) -> None:
        for name, text in (("imaging", "own"), ("billing", "other")):
            (folder / "secrets" / name).mkdir()
            self.put(folder / "secrets" / name / "db", text)
        self.put(folder / "secrets" / "all", CANARY)
        assert one("file:db", folder, use_case="imaging") == "own"
        assert one("file:all", folder, use_case="imaging") == CANARY
        for path in ("billing/db", "../billing/db", str(folder / "secrets" / "billing" / "db")):
            with pytest.raises(NoSecret, match="no such file"):
                one(f"file:{path}", folder, use_case="imaging")
        with pytest.raises(NoSecret, match="no such file"):
            one("file:db", folder)

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
    def test_what_others_may_read_is_refused(self, folder: Path, mode: int) -> None:
        self.put(folder / "secrets" / "db", CANARY, mode)
        with pytest.raises(NoSecret, match="chmod 600") as caught:
            one("file:db", folder)
        assert CANARY not in str(caught.value)

    def test_what_is_no_text_or_too_long_is_refused_without_showing_it(self, folder: Path) -> None:
        (folder / "secrets" / "db").write_bytes(CANARY.encode() + b"\xff")
        (folder / "secrets" / "long").write_text(CANARY * 10_000)
        for name in ("db", "long"):
            (folder / "secrets" / name).chmod(0o600)
            with pytest.raises(NoSecret) as caught:
                one(f"file:{name}", folder)
            assert CANARY not in "".join(map(str, (caught.value, caught.value.__context__)))


class Vault(BaseHTTPRequestHandler):
    """Answers as the documented KV API of version 2 does."""

    TOKEN = "token-1"

    def do_GET(self) -> None:
        if self.headers["X-Vault-Token"] != self.TOKEN:
            self.answer(403, {"errors": ["permission denied"]})
        elif self.path == "/v1/kv/data/team/db":
            self.answer(
                200, {"data": {"data": {"password": CANARY, "port": 5432}, "metadata": {"version": 3}}}
            )
        else:
            self.answer(404, {"errors": []})

    def answer(self, code: int, content: object) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def vault() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Vault) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class TestVault:
    def test_a_field_of_what_is_kept_there_is_read(self, vault: str, tmp_path: Path) -> None:
        known = {"VAULT_ADDR": vault, "VAULT_TOKEN": "token-1"}
        assert one("vault:kv/team/db#password", tmp_path, known) == CANARY
        (tmp_path / ".vault-token").write_text("token-1\n")
        assert (
            one("vault:kv/team/db#password", tmp_path, {"VAULT_ADDR": vault, "HOME": str(tmp_path)}) == CANARY
        )

    @pytest.mark.parametrize(
        ("text", "token", "said"),
        [
            ("vault:kv/team/db#user", "token-1", "has no 'user'"),
            ("vault:kv/team/db#port", "token-1", "no text"),
            ("vault:kv/team/none#x", "token-1", "nothing at that path"),
            ("vault:kv/team/db#password", "token-2", "may not read"),
        ],
    )
    def test_what_goes_wrong_is_told_without_the_secret(
        self, vault: str, tmp_path: Path, text: str, token: str, said: str
    ) -> None:
        with pytest.raises(NoSecret, match=said) as caught:
            one(text, tmp_path, {"VAULT_ADDR": vault, "VAULT_TOKEN": token})
        assert CANARY not in str(caught.value)
        assert token not in str(caught.value)

    @pytest.mark.parametrize("address", ["", "http://vault.example:8200", "vault.example"])
    def test_no_token_goes_over_a_line_that_is_not_encrypted(self, tmp_path: Path, address: str) -> None:
        with pytest.raises(NoSecret, match="https://"):
            one("vault:kv/a#b", tmp_path, {"VAULT_ADDR": address, "VAULT_TOKEN": "t"})

    def test_a_vault_that_is_away_is_told_of(self, tmp_path: Path) -> None:
        with pytest.raises(NoSecret, match="no answer"):
            one("vault:kv/a#b", tmp_path, {"VAULT_ADDR": "https://127.0.0.1:1", "VAULT_TOKEN": "t"})


class TestReferences:
    @given(st.text())
    def test_what_is_no_reference_is_never_shown(self, text: str) -> None:
        try:
            assert str(reference(text)) == text
        except ValueError as error:
            assert len(text) < 8 or text not in str(error)

    @pytest.mark.parametrize("text", [CANARY, f"env:{CANARY}", "vault:x#y", "env:", "file:", "FILE:x"])
    def test_an_estate_that_has_something_else_is_refused(self, text: str) -> None:
        with pytest.raises(InputError, match="reference to a secret") as caught:
            loads(workload(f"secrets: {{DB: {json.dumps(text)}}}"))
        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "said"), [("A-B", "no name"), ("SITUS_X", "no name"), ("BOTH", "in env and in")]
    )
    def test_its_variable_has_a_name_of_its_own(self, name: str, said: str) -> None:
        with pytest.raises(InputError, match=said):
            loads(workload(f"env: {{BOTH: x}}, secrets: {{{name}: 'env:X'}}"))


def workload(run: str) -> str:
    return f"workloads: {{w: {{stage: train, job: {{work: 1h}}, run: {{command: [a], {run}}}}}}}"


class TestWrittenOut:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            ("X", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc"),
            ("X", "AKIAIOSFODNN7EXAMPLE"),
            ("DATABASE", "postgresql://ann:hunter2@db.example/x"),
            ("PASSWORD", "hunter2"),
            ("X", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"),
            ("X", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        ],
    )
    def test_what_looks_like_a_secret_is_warned_of_and_not_shown(self, name: str, value: str) -> None:
        assert looks_secret(name, value)
        found = list(literal_secrets(loads(workload(f"env: {{{name}: {json.dumps(value)}}}"))))
        assert len(found) == 1
        assert found[0].at is not None
        assert value not in str(found[0])

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PASSWORD_FILE", "/run/secrets/db"), ("TOKEN_LIMIT", "4096"), ("EPOCHS", "30"),
            ("TOKENIZERS_PARALLELISM", "false"),
            ("MODEL", "meta-llama/Llama-3.1-8B-Instruct"), ("PYTHONPATH", "/srv/code:/srv/lib"),
            ("URL", "https://models.example/v1/chat"), ("NAME", "the-quick-brown-fox-jumps"), ("WANDB_MODE", "offline"),
            ("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5,6,7"),
        ],
    )  # fmt: skip
    def test_ordinary_settings_are_not(self, name: str, value: str) -> None:
        assert not looks_secret(name, value)


def test_the_environment_is_read_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITUS_SECRET_LATE", CANARY)
    assert "SITUS_SECRET_LATE" in os.environ
    assert secrets({"X": "env:LATE"}, tmp_path) == {"X": CANARY}
