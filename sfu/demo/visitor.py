"""Who asks for a page, by a signed cookie. It outlives a restart, and nothing is kept for whoever comes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiohttp import web

from sfu.demo.texts import Language, text

TOKEN = "form_token"  # noqa: S105 - the name of a field


class Shown(Exception):
    """A page with this text, under this title, is answered in place of the one that was asked for."""

    def __init__(self, key: str, status: int, *, title: str = "problem.title", **values: str) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.title = title
        self.values = values


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks. `person` is empty until they have said who they are; `token` is what their forms carry."""

    language: Language
    person: str = ""
    token: str = ""

    def t(self, key: str, **values: str) -> str:
        return text(self.language, key, **values)


class Sessions:
    """Of one portal."""

    def __init__(self, site: str, secret: str, people: Collection[str]) -> None:
        """`people` are the ids that somebody can be."""
        self._people = frozenset(people)
        self._secret = hashlib.sha256(f"{site} {secret}".encode()).digest()
        # Cookies know no ports: portals and demos of one machine are kept apart by their names.
        self._cookie = f"{site}_{hashlib.sha256(self._secret).hexdigest()[:8]}"

    def visitor(self, request: web.Request) -> Visitor:
        """Who asks. A cookie that is not ours is none."""
        language = self._language(request)
        person, _, rest = request.cookies.get(self._cookie, "").partition(".")
        nonce, _, signature = rest.partition(".")
        if not hmac.compare_digest(self._signed("session", person, nonce).encode(), signature.encode()):
            return Visitor(language)
        known = base64.urlsafe_b64decode(person).decode()
        return (
            Visitor(language, known, self._signed("form", person, nonce))
            if known in self._people
            else Visitor(language)
        )

    async def form(self, request: web.Request) -> Mapping[str, str]:
        """The fields of a form that a page of ours has sent. Raises `Shown` for any other."""
        fields = await read_fields(request)
        token = self.visitor(request).token
        if not token or not hmac.compare_digest(fields.get(TOKEN, "").encode(), token.encode()):
            raise Shown("problem.form", 403)
        return fields

    def begin(self, response: web.Response, person: str) -> bool:
        """Let somebody be `person` from now on; False where there is no such person."""
        if person not in self._people:
            return False
        name, nonce = base64.urlsafe_b64encode(person.encode()).decode(), secrets.token_hex(16)
        self._set(response, self._cookie, f"{name}.{nonce}.{self._signed('session', name, nonce)}")
        return True

    def end(self, response: web.Response) -> None:
        response.del_cookie(self._cookie)

    def speak(self, response: web.Response, language: Language) -> None:
        """Answer in this language from now on."""
        self._set(response, f"{self._cookie}_language", language)

    def _language(self, request: web.Request) -> Language:
        chosen = request.cookies.get(f"{self._cookie}_language")
        if chosen in ("sv", "en"):
            return "sv" if chosen == "sv" else "en"
        return "en" if request.headers.get("Accept-Language", "").lower().startswith("en") else "sv"

    def _signed(self, purpose: str, *parts: str) -> str:
        return hmac.new(self._secret, " ".join((purpose, *parts)).encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _set(response: web.Response, name: str, value: str) -> None:
        # Behind TLS it would be `Secure` too; the demo speaks HTTP to this machine.
        response.set_cookie(name, value, httponly=True, samesite="Strict")


async def read_fields(request: web.Request) -> Mapping[str, str]:
    """The fields of a form, whosever it is. Raises `Shown` for what is none."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Shown("problem.form", 415)
    try:
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    except (ValueError, LookupError):  # bytes that are no text of the charset that they say
        raise Shown("problem.form", 400) from None
