"""One number for both transports of the media port."""

from __future__ import annotations

import errno

import pytest

from sfu.transport.media_port import MediaPort
from sfu.transport.tcp import TcpListener, listening_socket


def test_both_transports_have_one_port_number() -> None:
    media = MediaPort.bind("127.0.0.1", 0)
    assert media.tcp is not None
    assert media.tcp.port == media.udp.port == media.port
    with pytest.raises(OSError, match="in use"):
        MediaPort.bind("127.0.0.1", media.port)
    media.close()


def test_where_tcp_has_the_port_the_kernel_gave_another_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening_socket("127.0.0.1", 0):
        listen, tries = TcpListener.listen, []

        def once_taken(host: str, port: int) -> TcpListener:
            tries.append(port)
            if len(tries) == 1:
                raise OSError(errno.EADDRINUSE, "in use")
            return listen(host, port)

        monkeypatch.setattr(TcpListener, "listen", once_taken)
        media = MediaPort.bind("127.0.0.1", 0)
        assert len(tries) == 2
        assert media.port == tries[1]
        media.close()


def test_without_tcp_there_is_no_candidate_of_it() -> None:
    media = MediaPort.bind("127.0.0.1", 0, tcp=False)
    assert media.tcp is None
    assert media.tcp_candidates(["203.0.113.7"]) == ()
    assert media.candidates(["203.0.113.7"]) == (("203.0.113.7", media.port),)
    media.close()
