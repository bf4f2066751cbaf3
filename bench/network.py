"""A network namespace of our own, joined to ours by a veth pair, for servers whose ICE wants a real interface.

Addresses are of 198.18.0.0/15, which is set aside for benchmarks (RFC 2544, RFC 6890), so nothing real is ever reached.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from types import TracebackType


class NetworkFailed(Exception):
    """The namespace could not be made; the text says what is needed."""


class Namespace:
    """A context: within it the namespace stands, with `server` inside it and `client` at our end."""

    def __init__(self) -> None:
        number = os.getpid() % 64 + 64 * (os.getpid() // 64 % 128)
        self.name = f"bench-{os.getpid()}"
        self._outer, self._inner = f"bo{os.getpid()}", f"bi{os.getpid()}"
        base = number * 4
        network = f"198.{18 + base // 65_536}.{base // 256 % 256}"
        self.client = f"{network}.{base % 256 + 1}"
        self.server = f"{network}.{base % 256 + 2}"

    @property
    def command(self) -> list[str]:
        """What goes before a command to run it inside."""
        return ["ip", "netns", "exec", self.name]

    def __enter__(self) -> Namespace:
        if shutil.which("ip") is None:
            raise NetworkFailed("a network namespace needs the command ip (Debian's iproute2)")
        if os.geteuid() != 0:
            raise NetworkFailed("a network namespace needs root: run this as root")
        try:
            _ip("netns", "add", self.name)
            _ip("link", "add", self._outer, "type", "veth", "peer", "name", self._inner, "netns", self.name)
            _ip("address", "add", f"{self.client}/30", "dev", self._outer)
            _ip("link", "set", self._outer, "up")
            _ip("-n", self.name, "address", "add", f"{self.server}/30", "dev", self._inner)
            _ip("-n", self.name, "link", "set", self._inner, "up")
            _ip("-n", self.name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The link goes first: a namespace lives on, and its link with it, for as long as a socket is left in it.
        for arguments in (("link", "delete", self._outer), ("netns", "delete", self.name)):
            subprocess.run(["ip", *arguments], capture_output=True, check=False)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NetworkFailed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
