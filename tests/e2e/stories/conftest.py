"""People in browsers, who neither meet an error nor load anything from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser

from tests.e2e.stories.person import Person

Arrive = Callable[[], Awaitable[Person]]


@pytest.fixture
async def arrive(chromium: Browser) -> AsyncIterator[Arrive]:
    people: list[Person] = []

    async def one_more() -> Person:
        people.append(await Person.arrive(chromium))
        return people[-1]

    yield one_more
    for person in people:
        assert person.errors == []
        assert person.strangers == []
