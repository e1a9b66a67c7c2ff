"""What those have in common who only want something to run: a database, sites, and a control plane that acts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from situs.control import background, ground
from situs.model.error import InputError
from situs.store.database import Database
from situs.store.schema import ready


@dataclass(frozen=True)
class Here:
    """The control plane of a folder, or of a database elsewhere."""

    estate: Path
    address: str
    database: Database

    @property
    def folder(self) -> Path:
        """Where it keeps what is its own."""
        return folder_of(self.estate)

    def have_sites(self, by: str) -> Literal["machine", "sites"] | None:
        """Have a plan in force that has sites; says of what, when there was none before. Raises InputError."""
        if not ground.ensure(self.database, self.estate, by):
            return None
        return "sites" if ground.has_estate(self.estate) else "machine"

    def have_control(self, *, replan: bool) -> int | None:
        """Have a control plane act; gives the process id of one that was started. Raises SitusError."""
        return background.ensure(
            self.database, self.address, self.estate, self.folder,
            replan=replan and ground.has_estate(self.estate),
        )  # fmt: skip


def here(estate: Path, db: str | None, *, new: bool = False) -> Here:
    """The control plane of a folder. Raises InputError when it has no database, unless one may be made."""
    address = db or str(folder_of(estate) / "control.db")
    file = address.removeprefix("sqlite:///")
    if not new and "://" not in file and not Path(file).exists():
        raise InputError(f"there is no database {file}; `situs apply` makes it")
    return Here(estate, address, ready(Database(address)))


def folder_of(estate: Path) -> Path:
    """Where the control plane of an estate keeps what is its own."""
    return (estate if estate.is_dir() else estate.parent) / ".situs"
