"""A rule's Cedar text over all sites, asked lazily: one question for each pair of looks that is still open."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping

import cedarpy
import numpy as np
from numpy.typing import NDArray

from situs.model.estate import Site
from situs.policy.cedar import (
    Attributes,
    CedarPolicy,
    compiled,
    entities_json,
    entity_type,
    site_attributes,
    subject_attributes,
)
from situs.policy.subject import Subject
from situs.policy.surroundings import Surroundings

Named = Callable[[str, str], Subject | None]
"""(kind, name) -> the subject, where there is one"""


class CedarRows:
    """Which sites a Cedar text leaves to a subject. Raises InputError for a text that is not right."""

    def __init__(
        self, rule: str, text: str, sites: Mapping[str, Site], around: Surroundings, named: Named
    ) -> None:
        self._sites: dict[str, Attributes] = {
            name: site_attributes(site, around) for name, site in sites.items()
        }
        self._policies = [_Sliced(policy, self._sites, named) for policy in compiled(rule, text)]

    def looks(self, subject: Subject) -> Hashable:
        """All that the text can see of a subject."""
        attributes = subject_attributes(subject)
        return tuple(sliced.look(subject, attributes) for sliced in self._policies)

    def row(self, subject: Subject, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(S,) sites that are left; only those in ``among`` are asked about, the rest are given as refused."""
        attributes = subject_attributes(subject)
        row = among.copy()
        for sliced in self._policies:
            row &= sliced.row(subject, attributes, row)
        return row

    def reasons(self, subject: Subject, site: str) -> Iterator[dict[str, str]]:
        """For each policy that refuses the site: which it is, and what it saw."""
        attributes = subject_attributes(subject)
        for sliced in self._policies:
            verdict = sliced.verdict(subject, attributes, site)
            if verdict is not None:
                saw = sliced.policy.seen(attributes, self._sites[site])
                yield {"why": "cedar", "policy": sliced.policy.name, "verdict": verdict, "saw": saw}


class _Sliced:
    """One policy, with what it has answered so far."""

    def __init__(self, policy: CedarPolicy, sites: Mapping[str, Attributes], named: Named) -> None:
        self.policy = policy
        self._faces: dict[str, int] = {}
        numbers: dict[Hashable, int] = {}
        self._examples: list[str] = []
        for name, attributes in sites.items():
            look = policy.look("Site", name, attributes)
            if look not in numbers:
                numbers[look] = len(self._examples)
                self._examples.append(name)
            self._faces[name] = numbers[look]
        self._face_of_site = np.fromiter(self._faces.values(), dtype=np.int64, count=len(sites))
        self._fixed = self._fixed_entities(sites, named)
        self._parsed = cedarpy.Entities.from_json_str(entities_json(self._fixed))
        self._answers: dict[Hashable, dict[int, str | None]] = {}

    def _fixed_entities(
        self, sites: Mapping[str, Attributes], named: Named
    ) -> dict[tuple[str, str], Attributes]:
        """What every question needs: one site of each face, and what the policy spells out by name."""
        found = {("Site", name): sites[name] for name in self._examples}
        for kind, name in self.policy.names:
            if kind == "Site" and name in sites:
                found[kind, name] = sites[name]
            elif kind in ("Workload", "Dataset") and (subject := named(kind.lower(), name)) is not None:
                found[kind, name] = subject_attributes(subject)
        return found

    def look(self, subject: Subject, attributes: Attributes) -> Hashable:
        """All that the policy can see of a subject."""
        return self.policy.look(entity_type(subject), subject.name, attributes)

    def row(self, subject: Subject, attributes: Attributes, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(S,) sites it leaves; what is not in ``among`` and was never asked about counts as left."""
        faces = np.unique(self._face_of_site[among]).tolist()
        answers = self._answered(subject, attributes, faces)
        fine = np.ones(len(self._examples), dtype=bool)
        fine[[face for face in faces if answers[face] is not None]] = False
        return fine[self._face_of_site]

    def verdict(self, subject: Subject, attributes: Attributes, site: str) -> str | None:
        """None, or what it says against the site."""
        face = self._faces[site]
        return self._answered(subject, attributes, [face])[face]

    def _answered(self, subject: Subject, attributes: Attributes, faces: list[int]) -> dict[int, str | None]:
        """The answers for so many faces, asking for those that are not known yet."""
        answers = self._answers.setdefault(self.look(subject, attributes), {})
        unknown = [face for face in faces if face not in answers]
        if unknown:
            kind = entity_type(subject)
            entities = self._parsed
            if (kind, subject.name) not in self._fixed:
                entities = entities.with_added_json_str(entities_json({(kind, subject.name): attributes}))
            examples = [self._examples[face] for face in unknown]
            answers.update(
                zip(unknown, self.policy.refuses(subject.name, kind, examples, entities), strict=True)
            )
        return answers
