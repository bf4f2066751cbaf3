"""The sockets that are listened on, and plain words where that cannot be."""

from __future__ import annotations

import errno
import socket

from sfu.errors import ConfigError
from sfu.transport.media_port import MediaPort

BACKLOG = 1024  # connections that may wait for the loop; a lobby storm comes in one burst


def address(listen: str) -> tuple[str, int]:
    """Host and port of a `listen` value."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def bind_tcp(key: str, listen: str) -> socket.socket:
    """A bound TCP socket; `key` is the configuration's, for the error."""
    host, port = address(listen)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(where)
            sock.listen(BACKLOG)
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
    except OSError as error:
        raise _cannot(key, listen, error) from error
    return sock


def bind_media(key: str, listen: str, *, tcp: bool) -> MediaPort:
    """The media port: UDP, and TCP where wanted."""
    host, port = address(listen)
    try:
        return MediaPort.bind(host, port, tcp=tcp)
    except (OSError, ValueError) as error:
        raise _cannot(key, listen, error) from error


def base_url(sock: socket.socket) -> str:
    """How a socket that listens for HTTP is reached from this machine."""
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _cannot(key: str, listen: str, error: Exception) -> ConfigError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        why = "another program listens there; stop it, or name another port (0 takes a free one)"
    elif isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL:
        why = "this machine has no such address"
    elif isinstance(error, OSError) and error.errno == errno.EAFNOSUPPORT:
        why = "this machine has no IPv6"
    elif isinstance(error, OSError) and error.errno == errno.EACCES:
        why = "ports below 1024 are for root; name a higher one"
    else:
        why = "it must be an address of this machine and a port"
    return ConfigError(f"{key}: cannot listen on {listen}: {why}")
