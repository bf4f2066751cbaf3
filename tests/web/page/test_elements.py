"""The views as custom elements: what each of them promises to whoever makes it, and takes it away."""

from __future__ import annotations

import asyncio
import re
from importlib import resources

import pytest
from playwright.async_api import CDPSession, expect

from tests.web.page.visitor import SETTLED, Visitor, admitted

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCRIPTS = resources.files("sfu.web") / "static" / "js"
DEFINED = {
    name: f"{folder}{file.name}"
    for folder, place in (("", SCRIPTS), ("views/", SCRIPTS / "views"))
    for file in place.iterdir()
    if file.name.endswith(".js")
    for name in re.findall(r'^customElements\.define\("([^"]+)"', file.read_text("utf-8"), re.MULTILINE)
}
"""The module of each element."""

IS = """([name]) => {
  const made = document.createElement(name);
  return [made.constructor === customElements.get(name), made.attributes.length, made.childNodes.length];
}"""

IMPORTED = """async (modules) => {
  const { src } = document.querySelector("script[type=module]");
  await Promise.all(modules.map((module) => import(new URL(module, src).href)));
}"""

LEFT = {"evisit-languages": 1, "evisit-before": 1, "evisit-final": 1}
"""Elements that there still are when the visit is over: the first view may be shown once more."""


COUNTED = """function () {
  const found = {};
  for (const element of this) {
    if (Object.hasOwn(element, "constructor")) continue; // a prototype
    if (element.localName.startsWith("evisit-")) found[element.localName] = (found[element.localName] ?? 0) + 1;
  }
  return found;
}"""


async def alive(tools: CDPSession) -> dict[str, int]:
    """How many there are of each element, in the document or held by anything else, once the garbage is collected."""
    prototype = (await tools.send("Runtime.evaluate", {"expression": "HTMLElement.prototype"}))["result"]
    told = await tools.send("Runtime.queryObjects", {"prototypeObjectId": prototype["objectId"]})
    every = told["objects"]["objectId"]
    asked = {"objectId": every, "functionDeclaration": COUNTED, "returnByValue": True}
    found: dict[str, int] = (await tools.send("Runtime.callFunctionOn", asked))["result"]["value"]
    await tools.send("Runtime.releaseObject", {"objectId": every})
    return found


async def test_an_element_can_be_made_as_any_other_by_its_name_alone(visitor: Visitor) -> None:
    """Neither a property nor a document has to be there first, and none has content before it is connected (HTML, 4.13.2)."""
    assert len(DEFINED) > 20
    assert all(name.startswith("evisit-") for name in DEFINED)
    await visitor.open()
    await visitor.page.evaluate(
        IMPORTED,
        sorted({module for module in DEFINED.values() if module.startswith("views/")} | {"page.js"}),
    )
    made = {name: await visitor.page.evaluate(IS, [name]) for name in DEFINED}
    assert [name for name, told in made.items() if told != [True, 0, 0]] == []


async def test_a_view_that_was_taken_out_is_held_by_nothing(visitor: Visitor) -> None:
    """Neither a listener nor a clock nor an observer of its own keeps it, or any of its parts."""
    channel = await visitor.knock()
    await expect(visitor.see("level")).to_be_visible()
    await channel.event("state", state="admitted", reason="")
    await channel.event(
        "roster", version=1, locked=False, participants=[admitted("p_me", "Per"), admitted("p1", "Eva")]
    )
    await expect(visitor.page.get_by_test_id("roster-entry")).to_have_count(2)
    await visitor.page.wait_for_function(SETTLED)
    tools = await visitor.page.context.new_cdp_session(visitor.page)
    shown = await alive(tools)
    assert (shown["evisit-meeting"], shown["evisit-tile"], shown["evisit-person"]) == (1, 1, 2)
    await channel.event("state", state="ended", reason="")
    await visitor.final("ended")
    async with asyncio.timeout(60):
        while await alive(tools) != LEFT:
            pass  # what has been told a moment ago may still be on its way
