"""The demo's portals as `python -m sfu demo` starts them: where they listen, what a restart keeps, what is logged."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from sfu.log import PRIVATE
from tests.e2e.server import Server


async def read(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


async def test_a_restart_carries_on_with_bookings_and_with_whoever_was_there(server: Server) -> None:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        for portal, person in (("care_record", "demo:eva"), ("patient_portal", "demo:maria")):
            async with session.post(server.told["portals"][portal] + "/login", data={"person": person}) as response:
                assert response.status == 200
        before = [await read(session, url) for url in server.told["portals"].values()]
        await server.kill()
        await server.start()
        after = [await read(session, url) for url in server.told["portals"].values()]
    visits = [re.findall(r'data-visit="(v_\w+)"', page) for page in before]
    assert all(server.told["visit"] in each for each in visits)
    assert [re.findall(r'data-visit="(v_\w+)"', page) for page in after] == visits


async def test_what_portals_do_is_in_no_log(server: Server) -> None:
    care = server.told["portals"]["care_record"]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.post(f"{care}/login", data={"person": "demo:eva"}) as response:
            token = re.search(r'name="form_token" value="(\w+)"', await response.text())
            assert token is not None
        visit = f"{care}/visits/{server.told['visit']}"
        async with session.post(f"{visit}/join", data={"form_token": token[1]}, allow_redirects=False) as response:
            assert "#ticket=eyJ" in response.headers["Location"]
        async with session.post(f"{visit}/link", data={"form_token": token[1]}) as response:
            assert response.status == 200
    log = server.log.read_text()
    assert not PRIVATE.search(log), log
    for word in ("eyJ", "demo:eva", "Per P", server.told["visit"]):
        assert word not in log


async def test_portals_take_the_ports_after_the_servers_or_others(tmp_path: Path) -> None:
    port = 0
    with ExitStack() as stack:
        # Three ports in a row, the last of which somebody else has.
        for _ in range(200):
            first = socket.create_server(("127.0.0.1", 0))
            port = first.getsockname()[1]
            first.close()
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
                stack.enter_context(socket.create_server(("127.0.0.1", port + 2)))
            except (OSError, OverflowError):
                continue
            break
        server = Server(tmp_path, arguments=("--port", str(port)))
        await server.start()
        portals = server.told["portals"]
        await server.stop()
    assert server.base_url == f"http://127.0.0.1:{port}"
    assert portals["care_record"] == f"http://127.0.0.1:{port + 1}"
    assert portals["patient_portal"] not in (server.base_url, portals["care_record"], f"http://127.0.0.1:{port + 2}")
