"""ICE with one pair: checked, then kept by consent checks. The server's own checks, where it is not ICE-lite, are answered."""

from __future__ import annotations

import secrets

from aioice import stun

CHECK_INTERVAL = 0.1  # seconds between checks until one is answered
CONSENT_INTERVAL = 5.0  # seconds between consent checks (RFC 7675 5.1)
CONSENT_TIMEOUT = 30.0  # seconds without an answer after which consent is gone (RFC 7675 5.1)
PRIORITY = 126 << 24 | 65_535 << 8 | 255  # of a host candidate (RFC 8445 5.1.2.1)


class IceClient:
    """Sans-IO: `check` gives a request to send, `receive` takes what came. Answers that do not verify change nothing."""

    def __init__(
        self,
        local_ufrag: str,
        remote_ufrag: str,
        remote_pwd: str,
        *,
        local_pwd: str = "",
        server: tuple[str, int] = ("0.0.0.0", 0),
        controlling: bool = True,
    ) -> None:
        """`server` is the address that its checks come from; `controlling` is false where the server has made the offer."""
        self._username = f"{remote_ufrag}:{local_ufrag}"
        self._expected = f"{local_ufrag}:{remote_ufrag}"
        self._key = remote_pwd.encode()
        self._own_key = local_pwd.encode()
        self._server = server
        self._controlling = controlling
        self._tie_breaker = secrets.randbits(64)
        self._open: set[bytes] = set()
        self._answered_at: float | None = None
        self.next_check = 0.0
        """When (monotonic seconds) the next check is due."""

    @property
    def connected(self) -> bool:
        """Whether a check has ever been answered."""
        return self._answered_at is not None

    def expired(self, now: float) -> bool:
        """Whether consent is gone: nothing may be sent any more."""
        return self._answered_at is not None and now - self._answered_at > CONSENT_TIMEOUT

    def check(self, now: float) -> bytes:
        """A Binding request; where we control, it nominates the pair."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = self._username
        request.attributes["PRIORITY"] = PRIORITY
        if self._controlling:
            request.attributes["ICE-CONTROLLING"] = self._tie_breaker
            request.attributes["USE-CANDIDATE"] = None
        else:
            request.attributes["ICE-CONTROLLED"] = self._tie_breaker
        request.add_message_integrity(self._key)
        self._open.add(request.transaction_id)
        self.next_check = now + (CONSENT_INTERVAL if self.connected else CHECK_INTERVAL)
        return bytes(request)

    def receive(self, datagram: bytes, now: float) -> bytes | None:
        """Take a STUN message from the server. Gives the answer to it, where it is a check of the server's own."""
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return None
        if message.message_class is stun.Class.REQUEST:
            return self._answer(message)
        if (
            message.message_class is stun.Class.RESPONSE
            and message.transaction_id in self._open
            and message.check_message_integrity(self._key)
        ):
            if self._answered_at is None:
                self.next_check = now + CONSENT_INTERVAL
            self._answered_at = now
            self._open.clear()
        return None

    def _answer(self, request: stun.Message) -> bytes | None:
        if (
            request.message_method is not stun.Method.BINDING
            or request.attributes.get("USERNAME") != self._expected
            or not request.check_message_integrity(self._own_key)
        ):
            return None
        response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id)
        response.attributes["XOR-MAPPED-ADDRESS"] = self._server
        response.add_message_integrity(self._own_key)
        return bytes(response)
