"""Debian's WebKitGTK, the engine of Safari, driven by its WebDriver on a screen of its own. It is built without WebRTC."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"
DRIVER = "/usr/bin/WebKitWebDriver"
SCREEN = "/usr/bin/Xvfb"
START_SECONDS = 60.0
CAPABILITIES = {"webkitgtk:browserOptions": {"binary": BROWSER, "args": ["--automation"]}}


class WebKit:
    """One browser with one window."""

    def __init__(self, http: aiohttp.ClientSession, session: str) -> None:
        self._http = http
        self._session = session

    async def open(self, url: str) -> None:
        await _ask(self._http, "POST", f"/session/{self._session}/url", url=url)

    async def resize(self, width: int, height: int) -> None:
        await _ask(self._http, "POST", f"/session/{self._session}/window/rect", width=width, height=height)

    async def run(self, script: str, *arguments: object) -> Any:
        """What a function's body returns in the page, by its `arguments`."""
        return await _ask(
            self._http, "POST", f"/session/{self._session}/execute/sync", script=script, args=list(arguments)
        )

    async def until(self, script: str, *arguments: object, seconds: float = 60.0) -> Any:
        """Wait until the body returns something true; gives that."""
        for _ in range(int(seconds / 0.1)):
            found = await self.run(script, *arguments)
            if found:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"never so: {script} {arguments}: {await self.run('return document.body.innerText')}")


@asynccontextmanager
async def webkit(folder: Path) -> AsyncIterator[WebKit]:
    """A browser that has never been used; its profile is in `folder`."""
    read, write = os.pipe()
    screen = await asyncio.create_subprocess_exec(
        *(SCREEN, "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"),
        pass_fds=[write],
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(write)
    driver = None
    try:
        number = (await asyncio.wait_for(asyncio.to_thread(os.read, read, 16), START_SECONDS)).decode().strip()
        environment = os.environ | {"DISPLAY": f":{number}", "HOME": str(folder), "LIBGL_ALWAYS_SOFTWARE": "1"}
        environment["XDG_RUNTIME_DIR"] = str(folder)
        port = _free_port()
        driver = await asyncio.create_subprocess_exec(
            *(DRIVER, f"--port={port}", "--host=127.0.0.1"),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            session = (await _begun(http))["sessionId"]
            yield WebKit(http, session)
            await _ask(http, "DELETE", f"/session/{session}")
    finally:
        os.close(read)
        for process in (driver, screen):
            if process is not None and process.returncode is None:
                process.terminate()
                await process.wait()


async def _begun(http: aiohttp.ClientSession) -> Any:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                return await _ask(http, "POST", "/session", capabilities={"alwaysMatch": CAPABILITIES})
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)  # the driver does not listen yet


async def _ask(http: aiohttp.ClientSession, method: str, path: str, **body: object) -> Any:
    async with http.request(method, path, json=body if method == "POST" else None) as response:
        answer = await response.json(content_type=None)
        assert response.status == 200, answer
        return answer["value"]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
