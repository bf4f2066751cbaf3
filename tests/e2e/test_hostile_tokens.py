"""What does not open a visit, at every entry of a live server: one answer each, byte for byte, whatever is wrong and whatever is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import aiohttp
import pytest

from tests.admission.hostile import HOSTILE
from tests.e2e.client import Client
from tests.e2e.server import Server

Answer = tuple[str, int | None]


async def knock(http: aiohttp.ClientSession, server: Server, **message: Any) -> Answer:
    """The frame that answers a first message, and the close code that follows; None where the channel stays."""
    url = server.base_url + "/api/v1/signal"
    async with http.ws_connect(url, protocols=("evisit.v1",), origin=server.base_url) as socket:
        # As bytes that say it in ASCII: a lone surrogate is a text that JSON can spell and UTF-8 cannot.
        await socket.send_str(json.dumps({"id": 1, **message}))
        frame = await socket.receive_str(timeout=60)
        if '"bad_message"' in frame:
            return frame, None  # no message of the protocol: the channel stays, until its time to join is over
        closing = await socket.receive(timeout=60)
        assert closing.type is aiohttp.WSMsgType.CLOSE
        return frame, socket.close_code


INVALID = ('{"type":"error","id":1,"code":"ticket_invalid","message":"This link is not valid."}', 4401)
UNKNOWN = ('{"type":"error","id":1,"code":"visit_unknown","message":"There is no such visit."}', 4401)
NOWHERE = "v_" + "0" * 32


@pytest.mark.timeout(300)  # some thousand knocks
async def test_hostile_tokens_open_nothing_and_are_answered_alike(server: Server) -> None:
    """Each at every entry: where a ticket is shown, a key, a resume token, a portal's key; in a visit that is there, over, or never was."""
    visit, ended = await server.book(), await server.book()
    real = await server.patient(visit)
    key, other_key = await server.link_key(visit), await server.link_key(ended)
    of_ended = await server.patient(ended)
    gone = await resume_token(server, ended)
    here = await resume_token(server, visit)
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
    strangers = {"a resume token": here, "a portal's key": server.told["portal_key"], "a ticket": real}
    people = await present(server, visit)
    async with aiohttp.ClientSession() as http:
        for kind in ("join", "test"):
            shown = {**tokens, **{name: each for name, each in strangers.items() if name != "a ticket"}}
            tickets = {name: await knock(http, server, type=kind, ticket=token) for name, token in shown.items()}
            assert_alike(tickets, INVALID)

        # Of a kind that is shorter: as long as one may be.
        fitting = {name: token[-200:] for name, token in tokens.items()}
        resumes = {
            **fitting,
            **{name: token for name, token in strangers.items() if name != "a resume token"},
            **{
                f"{visit_} {name}": f"{visit_}{rest}"
                for visit_ in (visit, ended, NOWHERE)
                for name, rest in {
                    "with another's": here.removeprefix(visit) if visit_ != visit else gone.removeprefix(ended),
                    "with a wrong secret": here.removeprefix(visit)[:-1] + "g",
                    "with nobody": f".p_{'0' * 32}.{'0' * 32}",
                    "cut": ".",
                }.items()
            },
        }
        assert_alike(
            {name: await knock(http, server, type="join", resume=token) for name, token in resumes.items()}, INVALID
        )

        for kind, more in (("join", {"name": "x", "role": "external"}), ("test", {})):
            keys = {
                **{(visit, name): token for name, token in {**fitting, **strangers}.items() if name != "a link key"},
                **{
                    (id_, f"{number}"): wrong
                    for id_ in (visit, ended, NOWHERE, "v_none", "no visit at all")
                    for number, wrong in enumerate((key[:-1], key + "A", key.swapcase(), "x", real[:200]))
                },
                (visit, "of another"): other_key,
                (ended, "of another"): key,
                **{(id_, "of another"): key for id_ in (NOWHERE, "v_none")},
            }
            links = {
                at: await knock(http, server, type=kind, visit=at[0], key=shown, **more) for at, shown in keys.items()
            }
            assert_alike(links, UNKNOWN)

        answers = set()
        for token in [*tokens.values(), real, here, server.told["portal_key"][:-1], server.told["portal_key"] + "A"]:
            shown_key = token.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "").replace("\0", "")
            for path in [f"/visits/{name}" for name in (NOWHERE, visit, ended)]:
                headers = {"Authorization": f"Bearer {shown_key}"}
                async with http.get(server.base_url + "/api/v1" + path, headers=headers) as answer:
                    answers.add((answer.status, await answer.read()))
        assert {status for status, _ in answers} <= {400, 401}
        assert len({raw for status, raw in answers if status == 401}) == 1

    assert await present(server, visit) == people
    log = server.log.read_text()
    assert not [name for name, token in {**tokens, **strangers}.items() if len(token) > 20 and token in log]


async def present(server: Server, visit: str) -> set[tuple[str, str]]:
    told = await server.api("GET", f"/visits/{visit}/participants")
    return {(each["participant"], each["state"]) for each in told["participants"]}


async def resume_token(server: Server, visit: str) -> str:
    """Of a clinician who came, and went away."""
    client = await Client(server.base_url).connect()
    await client.join(ticket=await server.clinician(visit))
    await client.close()
    return cast(str, client.joined["resume"])


def assert_alike(answers: Mapping[Any, Answer], refusal: Answer) -> None:
    """Byte for byte. What is not even a message of the protocol, too long or empty, is told so."""
    odd = {name for name, answer in answers.items() if answer != refusal}
    assert {json.loads(answers[name][0])["code"] for name in odd} <= {"bad_message"}, {n: answers[n] for n in odd}
    assert len(answers) - len(odd) >= 60
