"""Pipelines of a control plane elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from situs.client import enclosed
from situs.client.asking import Asking
from situs.client.told import part, understood
from situs.model.error import InputError

if TYPE_CHECKING:
    from situs.control.pipelines.billing import Billed
    from situs.control.pipelines.looking import Foreseen


class RemotePipelines:
    """Those of one server."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def everything(self) -> Sequence[Billed]:
        from situs.control.pipelines.billing import Billed

        found: list[Billed] = []
        cursor: str | None = None
        while True:
            page = self._asking.get("/v1/pipelines", **({"cursor": cursor} if cursor else {}))
            found += understood(list[Billed], page["items"])
            cursor = page["next"]
            if cursor is None:
                return found

    def one(self, name: str) -> Billed:
        from situs.control.pipelines.billing import Billed

        return understood(Billed, self._asking.get(f"/v1/pipelines/{part(name)}"))

    def look(self, file: Path, name: str) -> Foreseen:
        return self._foreseen(_written(file, name), True)

    def submit(self, file: Path, name: str) -> Foreseen:
        written = _written(file, name)
        looked = self._foreseen(written, True)
        return looked if looked.is_refused else self._foreseen(written, False)

    def stop(self, name: str, reason: str | None) -> bool:
        return bool(
            self._asking.send("POST", f"/v1/pipelines/{part(name)}/stop", {"reason": reason})["changed"]
        )

    def retry(self, name: str) -> Sequence[str]:
        return [
            str(stage) for stage in self._asking.send("POST", f"/v1/pipelines/{part(name)}/retry")["again"]
        ]

    def remove(self, name: str) -> bool:
        return bool(self._asking.send("DELETE", f"/v1/pipelines/{part(name)}")["changed"])

    def _foreseen(self, written: Mapping[str, Any], look: bool) -> Foreseen:
        from situs.control.pipelines.looking import Foreseen

        key = None if look else secrets.token_hex(16)
        body = {**written, "dry_run": look}
        return understood(Foreseen, self._asking.send("POST", "/v1/pipelines", body, key=key))


def _written(file: Path, name: str) -> Mapping[str, Any]:
    """A pipeline with the files that its stages need, as it is sent. Raises InputError."""
    if file.is_dir():
        raise InputError(f"{file} is a folder; for a server, name one file with the pipeline")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}"
        ) from None
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"{file} is no YAML: {error}") from None
    found = enclosed.read(file.parent, set(_wanted(file.parent, documents)))
    return {"name": name, "pipeline": text, "files": enclosed.encoded(found)}


def _wanted(folder: Path, documents: Sequence[object]) -> Iterator[str]:
    """Files that stages name, and those of the folders of code that they name. All else is the server's to judge."""
    for document in documents:
        stages = document.get("workloads") if isinstance(document, dict) else None
        for stage in stages.values() if isinstance(stages, dict) else ():
            run = stage.get("run") if isinstance(stage, dict) else None
            if not isinstance(run, dict):
                continue
            files, code, state = run.get("files"), run.get("code"), run.get("state")
            yield from (each for each in files if isinstance(each, str)) if isinstance(files, list) else ()
            if isinstance(code, str) and (folder / code).is_dir():
                leave_out = (
                    [each for each in state if isinstance(each, str)] if isinstance(state, list) else []
                )
                yield from enclosed.of_code(folder, code, leave_out)
