"""`GET /healthz` and `GET /readyz`: the process lives; it takes new visits."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web


class Health:
    """`ready` says whether new visits are taken: not while draining, not while the store cannot be written."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready

    def set_up(self, router: web.UrlDispatcher) -> None:
        router.add_get("/healthz", self.healthz)
        router.add_get("/readyz", self.readyz)

    async def healthz(self, _request: web.Request) -> web.Response:
        """200 while the event loop turns. Depends on nothing else, so that a lost database restarts nobody."""
        return web.json_response({"status": "ok"})

    async def readyz(self, _request: web.Request) -> web.Response:
        """200 where new visits are taken, else 503."""
        if self._ready():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not_ready"}, status=503)
