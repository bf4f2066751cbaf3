"""Debian's Firefox, driven by its own remote protocol (Marionette): length-prefixed JSON over TCP."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from pathlib import Path
from typing import Any

FIREFOX = "/usr/bin/firefox-esr"
PREFERENCES = {
    "marionette.port": 0,  # a free one, written to a file of the profile
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}
START_SECONDS = 120.0
COMMAND_SECONDS = 60.0


class Firefox:
    """One browser with one window."""

    def __init__(self, folder: Path) -> None:
        self._profile = folder / "firefox"
        self._numbers = itertools.count(1)

    async def start(self) -> Firefox:
        self._profile.mkdir()
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (self._profile / "user.js").write_text("\n".join(lines))
        environment = os.environ | {"HOME": str(self._profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
        self._process = await asyncio.create_subprocess_exec(
            FIREFOX,
            *("--headless", "--no-remote", "--marionette", "--profile", str(self._profile)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
        async with asyncio.timeout(START_SECONDS):
            await self._connect(self._profile / "MarionetteActivePort")
            await self._read()  # its greeting
        await self._ask("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": True}}})
        return self

    async def open(self, url: str) -> None:
        await self._ask("WebDriver:Navigate", {"url": url})

    async def run(self, script: str, *arguments: object) -> Any:
        """What a function's body returns in the page, by its `arguments`."""
        answer = await self._ask("WebDriver:ExecuteScript", {"script": script, "args": list(arguments)})
        return answer["value"]

    async def until(self, script: str, *arguments: object, seconds: float = 60.0) -> Any:
        """Wait until the body returns something true; gives that."""
        for _ in range(int(seconds / 0.1)):
            found = await self.run(script, *arguments)
            if found:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"never so: {script} {arguments}: {await self.run('return document.body.innerText')}")

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._writer.close()

    async def _connect(self, file: Path) -> None:
        while True:
            try:
                port = int(await asyncio.to_thread(file.read_text))
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
            except (OSError, ValueError):
                assert self._process.returncode is None, "Firefox has ended by itself"
                await asyncio.sleep(0.1)
            else:
                return

    async def _ask(self, command: str, parameters: dict[str, Any]) -> Any:
        number = next(self._numbers)
        message = json.dumps([0, number, command, parameters]).encode()
        self._writer.write(b"%d:%s" % (len(message), message))
        async with asyncio.timeout(COMMAND_SECONDS):
            kind, answered, error, result = await self._read()
        assert (kind, answered) == (1, number)
        assert error is None, error
        return result

    async def _read(self) -> Any:
        length = await self._reader.readuntil(b":")
        return json.loads(await self._reader.readexactly(int(length[:-1])))
