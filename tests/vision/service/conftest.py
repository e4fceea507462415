"""Fixtures of the service's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vision.service.served import Caller, service_of, still
from vision import watch as module


@pytest.fixture(autouse=True)
def _cameras_hang_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_drift", still)


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    with Caller(service_of(tmp_path)) as made:
        yield made
