"""Both portals, serving."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from sfu import clock
from sfu.demo.api import PortalApi, Visit
from sfu.demo.care_record import CareRecord
from sfu.demo.day import book_day
from sfu.demo.patient_portal import PatientPortal

GOODBYE_SECONDS = 1.0


class Portals:
    """The care record and the patient portal of a demo, each with a key and a port of its own."""

    def __init__(
        self,
        base_url: str,
        *,
        care_record: tuple[str, socket.socket],
        patient_portal: tuple[str, socket.socket],
        sends_mail: bool,
        wall: Callable[[], datetime] = clock.wall,
    ) -> None:
        """Each portal is its API key and the socket that it listens on. `base_url` is the server's."""
        self._wall = wall
        care_key, care_socket = care_record
        patient_key, patient_socket = patient_portal
        self._care_api, self._patient_api = PortalApi(base_url, care_key), PortalApi(base_url, patient_key)
        care = CareRecord(self._care_api, secret=care_key, evisit=base_url, sends_mail=sends_mail, wall=wall)
        patient = PatientPortal(self._patient_api, secret=patient_key, evisit=base_url, wall=wall)
        self._serving = [(care.application(), care_socket), (patient.application(), patient_socket)]
        self._runners: list[web.AppRunner] = []

    @property
    def care_record_url(self) -> str:
        return _url(self._serving[0][1])

    @property
    def patient_portal_url(self) -> str:
        return _url(self._serving[1][1])

    async def start(self) -> None:
        for api in (self._care_api, self._patient_api):
            await api.open()
        for application, sock in self._serving:
            # No access log: paths hold visits, answers hold tickets.
            runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=GOODBYE_SECONDS)
            await runner.setup()
            await web.SockSite(runner, sock).start()
            self._runners.append(runner)

    async def book_day(self, hours: int) -> Visit:
        """Book the demo's day in the care record. Gives the visit that is now, open for so many hours."""
        return await book_day(self._care_api, self._wall(), hours)

    async def stop(self) -> None:
        for runner in self._runners:
            await runner.cleanup()
        for api in (self._care_api, self._patient_api):
            await api.close()


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{host}:{port}"
