"""An estate's own fact catalogues, and every version of all catalogues that a recorded plan was made with.

::

    facts/                             the estate's own catalogues; all commands read them
    .situs/facts/
      content/<sha256>                 what a catalogue file said
      <catalogue>@<version>.json       which contents, in which order, make that version of a catalogue

Prices change and catalogues are replaced; what a plan was decided with stays, by content, so that the plan
can be made again to the byte.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from situs.facts import Facts, load, read
from situs.facts.layer import CATALOGUES, Layer, layers_at, over, packaged
from situs.model.error import InputError
from situs.store.files import write_atomically

_BY_STEM = {Path(name).stem: name for name in CATALOGUES}
_VERSION = re.compile(r"(?:[0-9]{4}(?:-[0-9]{2}-[0-9]{2})?|undated)\+[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, order=True)
class Version:
    """One version of one catalogue; written ``prices@2026-10-31+3fa9c14b7d02``."""

    catalogue: str
    """without its suffix, as plans name it"""
    version: str

    def __str__(self) -> str:
        return f"{self.catalogue}@{self.version}"


class Catalogues:
    """The fact catalogues of one estate's folder."""

    def __init__(self, estate: Path) -> None:
        home = estate if estate.is_dir() else estate.parent
        self.own = home / "facts"
        self._kept = home / ".situs" / "facts"

    def facts(self, references: Sequence[str | Path] = ()) -> Facts:
        """What comes with situs, the estate's own on top, then each file, folder or kept version in turn.

        A version stands for the whole catalogue as it was; a file is laid over what is there.
        """
        own = layers_at(self.own) if self.own.is_dir() else []
        if not own and not references:
            return load()
        layers = over(packaged(), own)
        for reference in references:
            if Path(reference).exists():
                layers = over(layers, layers_at(Path(reference)))
            else:
                version = self.find(str(reference))
                layers = {**layers, _BY_STEM[version.catalogue]: self.layers_of(version)}
        return read(layers)

    def add(self, name: str, content: bytes) -> Path:
        """Put a catalogue among the estate's own, in one step; gives its file."""
        path = self.own / name
        write_atomically(path, content)
        return path

    def keep(self, facts: Facts) -> None:
        """Keep all layers of these facts by content. What is kept already is left alone."""
        for name, layers in facts.layers.items():
            version = Version(Path(name).stem, facts.versions[Path(name).stem])
            manifest = self._manifest(version)
            if manifest.exists():
                continue
            for layer in layers:
                content = self._content(layer.digest)
                if not content.exists():
                    write_atomically(content, layer.content)
            entries = [{"name": Path(layer.name).name, "sha256": layer.digest} for layer in layers]
            write_atomically(manifest, (json.dumps(entries, indent=1) + "\n").encode())

    def kept(self) -> list[Version]:
        """All versions that are kept, by catalogue, oldest figures first."""
        found = []
        for path in self._kept.glob("*@*.json"):
            catalogue, _, version = path.name.removesuffix(".json").partition("@")
            if catalogue in _BY_STEM and _VERSION.fullmatch(version):
                found.append(Version(catalogue, version))
        return sorted(found)

    def find(self, reference: str) -> Version:
        """The kept version by its name, with or without catalogue, or an unambiguous beginning. InputError."""
        kept = self.kept()
        hits = [v for v in kept if str(v).startswith(reference) or v.version.startswith(reference)]
        exact = [v for v in hits if reference in (str(v), v.version)]
        if len(exact or hits) == 1:
            return (exact or hits)[0]
        if hits:
            raise InputError(f"{reference!r} could be any of {', '.join(map(str, hits))}; give more of it")
        close = difflib.get_close_matches(reference, [str(v) for v in kept], n=1, cutoff=0.5)
        fix = f" (did you mean {close[0]}?)" if close else "; `situs facts versions` lists what is kept"
        raise InputError(f"{reference!r} is neither a file nor a kept version of a catalogue{fix}")

    def layers_of(self, version: Version) -> tuple[Layer, ...]:
        """The files of a kept version. Raises InputError when they are gone or were changed."""
        name = _BY_STEM[version.catalogue]
        manifest = self._manifest(version)
        try:
            digests = [(entry["name"], entry["sha256"]) for entry in json.loads(manifest.read_bytes())]
        except (OSError, ValueError, TypeError, KeyError):
            raise InputError(f"{manifest} cannot be read") from None
        layers = tuple(Layer(name, shown, self._read(digest)) for shown, digest in digests)
        whole = hashlib.sha256(b"".join(layer.content for layer in layers)).hexdigest()
        if not version.version.endswith(f"+{whole[:12]}"):
            raise InputError(f"{manifest} was changed after it was kept")
        return layers

    def facts_of(self, versions: Mapping[str, str]) -> Facts | None:
        """The facts of these versions, as a plan names them; None when one of them is not kept."""
        layers = dict(packaged())
        present = load().versions
        for catalogue, wanted in versions.items():
            if catalogue not in _BY_STEM or not _VERSION.fullmatch(wanted):
                return None
            version = Version(catalogue, wanted)
            if self._manifest(version).exists():
                layers[_BY_STEM[catalogue]] = self.layers_of(version)
            elif present.get(catalogue) != wanted:
                return None
        return read(layers)

    def _read(self, digest: str) -> bytes:
        path = self._content(digest)
        try:
            content = path.read_bytes()
        except OSError:
            raise InputError(f"{path} is gone; without it that version cannot be read") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise InputError(f"{path} was changed after it was kept")
        return content

    def _manifest(self, version: Version) -> Path:
        return self._kept / f"{version}.json"

    def _content(self, digest: str) -> Path:
        # Anything else could lead out of the folder.
        if not _DIGEST.fullmatch(digest):
            raise InputError(f"{digest!r} is no identity of a content")
        return self._kept / "content" / digest
