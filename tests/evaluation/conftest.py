"""Evaluations in tests find no weights but those that a test puts there."""

import pytest


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXSYN_WEIGHTS", str(tmp_path / "cache"))
    return tmp_path / "cache"
