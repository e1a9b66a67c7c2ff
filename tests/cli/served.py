"""A control plane whose API answers at an address, beside the folder that the same commands may ask directly."""

from __future__ import annotations

from pathlib import Path

from situs.api.serve import Api, listen
from situs.store.database import Database
from tests.api.test_serving import free_port


class Served:
    """One that can be ended and begin again at the same address."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._port = free_port()
        self._api: Api | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def token(self) -> Path:
        """The file with the owner's token."""
        return self._folder / "api-token"

    def begin(self) -> None:
        """Answer."""
        self._api = Api(self._database, self._folder, "root", lambda _: None)
        self._api.on(listen(f"127.0.0.1:{self._port}", None, None))

    def end(self) -> None:
        """Answer no more; who reads along is cut off."""
        if self._api is not None:
            self._api.stop()
            self._api = None
