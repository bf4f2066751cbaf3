"""What does not open a visit, at every entry of a live server: one answer each, byte for byte, whatever is wrong and whatever is there."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.admission.test_tickets import HOSTILE
from tests.e2e.server import Server

Answer = tuple[str, int | None]


async def knock(http: aiohttp.ClientSession, server: Server, **message: Any) -> Answer:
    """The frame that answers a first message, and the close code that follows; None where the channel stays."""
    url = server.base_url + "/api/v1/signal"
    async with http.ws_connect(url, protocols=("evisit.v1",), origin=server.base_url) as socket:
        # As bytes that say it in ASCII: a lone surrogate is a text that JSON can spell and UTF-8 cannot.
        await socket.send_str(json.dumps({"id": 1, **message}))
        frame = await socket.receive_str(timeout=10)
        if '"bad_message"' in frame:
            return frame, None  # no message of the protocol: the channel stays, until its time to join is over
        closing = await socket.receive(timeout=10)
        assert closing.type is aiohttp.WSMsgType.CLOSE
        return frame, socket.close_code


async def test_hostile_tokens_open_nothing_and_are_answered_alike(server: Server) -> None:
    visit, ended = await server.book(), await server.book()
    real = await server.patient(visit)
    key, other_key = await server.link_key(visit), await server.link_key(ended)
    of_ended = await server.patient(ended)
    await server.api("POST", f"/visits/{ended}/end")
    parts = real.split(".")
    tokens = {
        **{name: token for name, token in HOSTILE.items() if len(token) <= 8_000},
        "signature of another": ".".join((*parts[:2], of_ended.split(".")[2])),
        "claims of another": ".".join((parts[0], of_ended.split(".")[1], parts[2])),
        "without signature": ".".join((*parts[:2], "")),
        "cut": real[:-1],
        "twice": f"{real}.{real}",
        "a link key": key,
    }
    async with aiohttp.ClientSession() as http:
        tickets = {name: await knock(http, server, type="join", ticket=token) for name, token in tokens.items()}
        refused = ('{"type":"error","id":1,"code":"ticket_invalid","message":"This link is not valid."}', 4401)
        # What is not even a message of the protocol is told so: too long, empty.
        odd = {name for name, answer in tickets.items() if as_told(answer) != as_told(refused)}
        assert {json.loads(tickets[name][0])["code"] for name in odd} <= {"bad_message"}
        assert len(tokens) - len(odd) >= 60
        assert len({answer for name, answer in tickets.items() if name not in odd}) == 1

        keys = [
            *((visit, wrong) for wrong in (other_key, key[:-1], key + "A", key.swapcase(), "x", real[:200])),
            *((ended, wrong) for wrong in (key, "x")),
            *(("v_none", right) for right in (key, other_key, "x")),
            *((name, key) for name in ("v_" + "0" * 32, ended)),
        ]
        links = {
            (id_, shown): await knock(http, server, type="join", visit=id_, key=shown, name="x", role="external")
            for id_, shown in keys
        }
        assert len(set(links.values())) == 1, links
        assert json.loads(next(iter(links.values()))[0])["code"] == "visit_unknown"

        paths = [f"/visits/{name}" for name in ("v_none", visit, ended)]
        answers = set()
        for token in [*tokens.values(), server.told["portal_key"][:-1]]:
            shown = token.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "").replace("\0", "")
            for path in paths[: 1 if token in HOSTILE.values() else 3]:
                headers = {"Authorization": f"Bearer {shown}"}
                async with http.get(server.base_url + "/api/v1" + path, headers=headers) as answer:
                    answers.add((answer.status, await answer.read()))
        assert {status for status, _ in answers} <= {400, 401}
        assert len({raw for status, raw in answers if status == 401}) == 1

    people = (await server.api("GET", f"/visits/{visit}/participants"))["participants"]
    assert people == []
    log = server.log.read_text()
    assert not [name for name, token in tokens.items() if len(token) > 20 and token in log]


def as_told(answer: Answer) -> tuple[Any, int | None]:
    return json.loads(answer[0]), answer[1]
