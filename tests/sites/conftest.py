"""Failures in the conformance suite show both sides, as those in test files do."""

import pytest

pytest.register_assert_rewrite("tests.sites.conformance")
