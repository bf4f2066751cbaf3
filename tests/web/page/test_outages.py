"""The network goes away for five seconds and for forty, the tab sleeps: what is noticed, and that nobody loses their place."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.web.page.server import TIMEOUT, Channel
from tests.web.page.visitor import CLINICIAN, SETTLED, Visitor, admitted, answer, me

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def waits(visitor: Visitor) -> Channel:
    """Come to the waiting room by a clock that stands still unless the test moves it."""
    await visitor.page.clock.install(time=0)
    await visitor.page.clock.pause_at(60_000)
    channel = await visitor.knock()
    await expect(visitor.see("waiting")).to_be_visible()
    return channel


async def test_five_seconds_without_a_network_are_noticed_by_nobody(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    channel = await waits(visitor)
    await visitor.page.clock.run_for(5_000)
    await channel.event("lobby_status", staff_present=True)
    await expect(visitor.see("waiting-status")).to_contain_text("Personalen är här")
    await expect(visitor.see("trouble")).to_be_empty()
    await visitor.page.clock.run_for(9_000)
    assert channel.pending("ping") == 0
    assert visitor.server.channels.empty()


async def test_forty_seconds_without_a_network_are_a_line_of_text_and_cost_no_place(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    clock = visitor.page.clock
    channel = await waits(visitor)
    del channel.answers["ping"]
    await clock.run_for(10_000)
    await channel.heard("ping")
    await clock.run_for(10_000)
    await expect(visitor.see("trouble")).to_have_text("Anslutningen bröts. Ansluter igen …")
    await asyncio.wait_for(channel.closed.wait(), TIMEOUT)
    # What is tried in the next twenty seconds reaches nobody.
    await clock.run_for(500)
    (await visitor.server.channel()).abort()
    for _ in range(39):
        await clock.run_for(500)
        while not visitor.server.channels.empty():
            visitor.server.channels.get_nowait().abort()
    await expect(visitor.see("waiting")).to_be_visible()
    while visitor.server.channels.empty():
        await clock.run_for(500)
    back = await visitor.server.channel()
    join = await back.heard("join")
    assert join["resume"] == "resume-1"
    await back.ok(join, **answer())
    await expect(visitor.see("trouble")).to_be_empty()
    await expect(visitor.see("status")).to_have_text("Ansluten igen.")
    await expect(visitor.see("waiting-status")).to_be_visible()


async def test_a_tab_that_has_slept_asks_whether_its_channel_is_one_and_comes_back(visitor: Visitor) -> None:
    channel = await visitor.enter(admitted("p1"))
    tools = await visitor.page.context.new_cdp_session(visitor.page)
    await tools.send("Page.setWebLifecycleState", {"state": "frozen"})
    # Meanwhile the server has given the channel up.
    channel.abort()
    await tools.send("Page.setWebLifecycleState", {"state": "active"})
    await visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    channel = await visitor.server.channel()
    join = await channel.heard("join")
    assert join["resume"] == "resume-1"
    await channel.ok(join, **answer(**CLINICIAN))
    await channel.event("roster", version=1, locked=False, participants=[me(), admitted("p1")])
    await expect(visitor.see("trouble")).to_be_empty()
    await channel.heard("offer")
    await visitor.page.wait_for_function(SETTLED)
    await expect(visitor.page.get_by_test_id("tile")).to_have_count(2)


async def test_a_tab_that_wakes_on_a_dead_channel_does_not_wait_for_it(timed_visitor: Visitor) -> None:
    visitor = timed_visitor
    channel = await waits(visitor)
    del channel.answers["ping"]
    await visitor.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await channel.heard("ping")
    await visitor.page.clock.run_for(10_000)
    await expect(visitor.see("trouble")).not_to_be_empty()
    await visitor.page.clock.run_for(1_000)  # the first pause
    assert (await (await visitor.server.channel()).heard("join"))["resume"] == "resume-1"
