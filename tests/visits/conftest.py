from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sfu.visits.store import Store
from tests.visits.template import lay


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "evisit.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite:///{file}"


@pytest.fixture
async def store(file: Path, url: str) -> AsyncIterator[Store]:
    """An empty store. A database that is held by somebody else is given up at once."""
    lay(file)
    store = await Store.open(url, busy_seconds=0.01)
    yield store
    await store.close()
