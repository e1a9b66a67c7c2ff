"""Whatever is sent that the document allows, and much that it does not: never a fault, and answers as it says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from situs.api.app import application
from situs.api.permissions import ROUTES
from tests.api.asked import FAST, in_force
from tests.store.databases import migrated

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip


STREAMS = "/stream"
"""They have no end; other tests read them."""


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> BaseSchema:
    """Over a database with a plan in force."""
    folder = tmp_path_factory.mktemp("api")
    database = in_force(migrated(folder / "control.db"))
    return schemathesis.openapi.from_asgi("/v1/openapi.json", application(database, folder, "ann", FAST))


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), sorted(key for key in ROUTES if not key[1].endswith(STREAMS)))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_it_answers_as_the_document_says(
    described: BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    operation = described[path][method]
    asked = 0

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Case[Any]) -> None:
        nonlocal asked
        asked += 1
        case.call_and_validate(checks=CHECKS)

    try:
        each()
    except Unsatisfiable:
        # Where there is nothing to be sent, nothing wrong can be.
        assert mode is GenerationMode.NEGATIVE
        return
    assert asked
