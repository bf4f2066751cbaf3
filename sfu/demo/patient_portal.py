"""The patient portal: somebody's booked times, their own and those of their children. `docs/integrating.md` walks through its calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from sfu.demo.api import PortalApi, Visit
from sfu.demo.markup import Content, Markup, tag
from sfu.demo.page import ZONE, Frame, at, form, link_field
from sfu.demo.register import CITIZENS, Citizen, citizen
from sfu.demo.site import VISIT, Choice, Site, see_other
from sfu.demo.texts import weekday
from sfu.demo.visitor import Shown, Visitor

LOOKED_BACK = timedelta(hours=24)  # visits are no longer than that: what began before is over
FRAME = Frame(
    title="patient.name",
    navigation=(("/", "patient.booked"),),
    names={each.person: each.name for each in CITIZENS},
)


class PatientPortal(Site):
    """Its pages. A guardian's right is asked of the server at each click; nothing of it is remembered here."""

    name = "patient_portal"

    def __init__(self, api: PortalApi, *, secret: str, evisit: str, wall: Callable[[], datetime]) -> None:
        """As of `Site`."""
        super().__init__(api, FRAME, secret=secret, evisit=evisit, wall=wall)

    def choices(self, visitor: Visitor) -> Sequence[Choice]:
        def word(each: Citizen) -> str:
            if not each.children:
                return visitor.t("patient.years", years=str(each.years))
            return visitor.t("patient.parent", names=", ".join(child.name for child in each.children))

        return [Choice(each.person, each.name, word(each)) for each in CITIZENS]

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", self._booked_times)
        router.add_post(f"/visits/{VISIT}/join", self._join)
        router.add_post(f"/visits/{VISIT}/link", self._link)

    async def _booked_times(self, request: web.Request) -> web.Response:
        visitor, me = self._me(request)
        since = self.wall() - LOOKED_BACK
        mine = [visit for visit in await self.api.booked_times(me.person, since) if not visit.over]
        parts: list[Content] = []
        own = [visit for visit in mine if visit.patient.person == me.person]
        if own or not me.children:
            parts.append(self._section(visitor, visitor.t("patient.own"), own))
        for child in me.children:
            title = visitor.t("patient.child", name=child.name, years=str(child.years))
            if child.grown_out_of_guardians():
                visits = [visit for visit in await self.api.booked_times(child.person, since) if not visit.over]
                parts.append(self._grown(visitor, child, title, visits[:1]))
            else:
                parts.append(
                    self._section(visitor, title, [visit for visit in mine if visit.patient.person == child.person])
                )
        return self.frame.page(visitor, visitor.t("patient.booked"), parts, narrow=True)

    async def _join(self, request: web.Request) -> web.Response:
        """A ticket for this click, as what the booking says that they are, and on into the waiting room."""
        await self.sessions.form(request)
        _, me, visit, role = await self._visit(request)
        return see_other(await self.api.ticket(visit.visit, me.person, role, me.name))

    async def _link(self, request: web.Request) -> web.Response:
        """The shared link, for somebody whom the patient or a guardian wants with them."""
        await self.sessions.form(request)
        visitor, me, visit, _ = await self._visit(request)
        if all(each.person != me.person for each in (visit.patient, *visit.guardians)):
            raise Shown("problem.not_booked", 403)
        url = await self.api.link(visit.visit)
        if request.headers.get("Accept") == "text/plain":
            return web.Response(text=url)
        label = visitor.t("link.label", patient=visit.patient.name, time=at(visit.starts_at))
        lead = tag("p", visitor.t("link.lead"), class_="lead")
        return self.frame.page(visitor, visitor.t("link.title"), lead, link_field(visitor, label, url), narrow=True)

    def _section(self, visitor: Visitor, title: str, visits: Sequence[Visit]) -> Markup:
        cards = [self._card(visitor, visit) for visit in visits]
        return tag("section", tag("h2", title), cards or tag("p", visitor.t("patient.none")))

    def _card(self, visitor: Visitor, visit: Visit) -> Markup:
        t, base = visitor.t, f"/visits/{visit.visit}"
        starts = visit.starts_at.astimezone(ZONE)
        staff = ", ".join(each.name for each in visit.staff)
        when = f"{weekday(visitor.language, starts.date())} {t('at', time=at(visit.starts_at))}"
        label = f"{t('copy')}: {visit.patient.name} {when}"
        copy = tag(
            "button", t("copy"), class_="button plain", aria_label=label, data_copies_answer=True, data_testid="copy"
        )
        ways = [form(visitor, f"{base}/link", copy)]
        if visit.joinable:
            how = tag("p", t("patient.waits"), class_="hint")
            ways.insert(
                0, form(visitor, f"{base}/join", tag("button", t("join"), class_="button primary", data_testid="join"))
            )
        else:
            how = tag("p", t("patient.early", time=self._opens(visitor, visit)), class_="note", data_testid="early")
        return tag(
            "article",
            tag("h3", f"{when[:1].upper()}{when[1:]}"),
            tag("p", f"{visit.title} · {visit.unit_name}"),
            tag("p", t("care.with", names=staff), class_="soft") if staff else None,
            how,
            tag("div", ways, class_="ways"),
            class_="card",
            data_testid="visit",
            data_visit=visit.visit,
        )

    def _opens(self, visitor: Visitor, visit: Visit) -> str:
        """From when they can join, with the day where that is not today."""
        opens = visit.opens_at.astimezone(ZONE)
        if opens.date() == self.wall().astimezone(ZONE).date():
            return at(opens)
        return f"{weekday(visitor.language, opens.date())} {visitor.t('at', time=at(opens))}"

    def _grown(self, visitor: Visitor, child: Citizen, title: str, visits: Sequence[Visit]) -> Markup:
        """A child whose own the booked times are. The button asks the server all the same, to show that it refuses."""
        again = [
            form(
                visitor,
                f"/visits/{each.visit}/join",
                tag("button", visitor.t("patient.grown.try"), class_="button plain"),
            )
            for each in visits
        ]
        told = tag("p", visitor.t("patient.grown", name=child.name), class_="note", data_testid="grown")
        return tag("section", tag("h2", title), told, again)

    def _me(self, request: web.Request) -> tuple[Visitor, Citizen]:
        visitor = self.sessions.visitor(request)
        me = citizen(visitor.person)
        assert me is not None, "whoever has not said who they are gets no page"
        return visitor, me

    async def _visit(self, request: web.Request) -> tuple[Visitor, Citizen, Visit, str]:
        """The visit of the path and in which role they come to it. One that is none of theirs is as one that does not exist."""
        visitor, me = self._me(request)
        visit = await self.api.visit(request.match_info["visit"])
        if visit.patient.person == me.person:
            return visitor, me, visit, "patient"
        if any(child.person == visit.patient.person for child in me.children):
            return visitor, me, visit, "guardian"
        raise Shown("problem.not_found", 404)
