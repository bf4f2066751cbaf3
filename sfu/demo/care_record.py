"""The care record: a unit's schedule, and what staff do with a booking. `docs/integrating.md` walks through its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta

from aiohttp import web

from sfu.demo import bookings, care_forms
from sfu.demo.api import ApiProblem, PortalApi, Visit
from sfu.demo.markup import Content, Markup, tag
from sfu.demo.page import ZONE, Frame, button_link
from sfu.demo.register import CLINICIANS, PATIENTS, Clinician, Unit, clinician
from sfu.demo.site import VISIT, Choice, Site, problem_key, see_other
from sfu.demo.texts import weekday
from sfu.demo.visitor import Shown, Visitor

LONGEST = timedelta(hours=24)  # of a visit: what began so long ago may still go on
DONE = frozenset("booked moved cancelled invited renewed".split())
UNITS = tuple(dict.fromkeys(each.unit for each in CLINICIANS))
FRAME = Frame(
    title="care.name",
    navigation=(("/", "care.schedule"), ("/list", "care.visits"), ("/web", "care.web"), ("/book", "care.book")),
    names={each.person: each.name for each in CLINICIANS},
)


class CareRecord(Site):
    """Its pages. Who may open which schedule is decided here: the server believes a portal in that."""

    name = "care_record"

    def __init__(
        self, api: PortalApi, *, secret: str, evisit: str, sends_mail: bool, wall: Callable[[], datetime]
    ) -> None:
        """As of `Site`. `sends_mail` says whether the server has a mail server, which its operator tells a portal's."""
        super().__init__(api, FRAME, secret=secret, evisit=evisit, wall=wall)
        self._sends_mail = sends_mail

    def choices(self, visitor: Visitor) -> Sequence[Choice]:
        return [Choice(each.person, each.name, each.unit.name) for each in CLINICIANS]

    def routes(self, router: web.UrlDispatcher) -> None:
        router.add_get("/", self._schedule)
        router.add_get("/list", self._visit_list)
        router.add_get("/web", self._web_schedule)
        router.add_get("/book", self._book_page)
        router.add_post("/book", self._book)
        visit = f"/visits/{VISIT}"
        router.add_get(visit, self._one)
        router.add_post(f"{visit}/join", self._join)
        router.add_post(f"{visit}/link", self._link)
        router.add_post(f"{visit}/renew", self._renew)
        for way in ("invite", "draft"):
            router.add_get(f"{visit}/{{way:{way}}}", self._invitation)
        router.add_post(f"{visit}/invite", self._invite)
        router.add_post(f"{visit}/draft", self._draft)
        router.add_get(f"{visit}/move", self._move_page)
        router.add_post(f"{visit}/move", self._move)
        router.add_get(f"{visit}/cancel", self._cancel_page)
        router.add_post(f"{visit}/cancel", self._cancel)

    # The unit's day, three ways

    async def _schedule(self, request: web.Request) -> web.Response:
        visitor, visits = await self._day_of_unit(request)
        hint = tag("p", visitor.t("care.hint"), class_="hint")
        return self._day_page(request, visitor, "/", "care.schedule", visits, hint, bookings.schedule(visitor, visits))

    async def _visit_list(self, request: web.Request) -> web.Response:
        visitor, visits = await self._day_of_unit(request)
        open_now = [visit for visit in visits if visit.joinable]
        counts = await asyncio.gather(*(self.api.waiting(visit.visit) for visit in open_now))
        waiting = {visit.visit: count for visit, count in zip(open_now, counts, strict=True)}
        parts = bookings.visit_list(visitor, visits, waiting, self.wall())
        return self._day_page(request, visitor, "/list", "care.visits", visits, *parts)

    async def _web_schedule(self, request: web.Request) -> web.Response:
        visitor, visits = await self._day_of_unit(request)
        lead = tag("p", visitor.t("care.web.lead"), class_="hint")
        return self._day_page(
            request, visitor, "/web", "care.web", visits, lead, bookings.web_schedule(visitor, visits)
        )

    async def _day_of_unit(self, request: web.Request) -> tuple[Visitor, list[Visit]]:
        visitor, me = self._me(request)
        unit = next((each for each in UNITS if each.id == request.query.get("unit")), me.unit)
        if unit != me.unit:
            raise Shown("care.foreign", 403, title="care.foreign.title", unit=unit.name)
        starts = midnight(self._day(request))
        ends = midnight(self._day(request) + timedelta(days=1))
        listed = await self.api.schedule(unit.id, starts - LONGEST, ends)
        return visitor, [visit for visit in listed if visit.ends_at > starts]

    def _day_page(
        self,
        request: web.Request,
        visitor: Visitor,
        path: str,
        title: str,
        visits: Sequence[Visit],
        *content: Content,
    ) -> web.Response:
        _, me = self._me(request)
        shown, t = self._day(request), visitor.t
        done = request.query.get("done", "")
        return self.frame.page(
            visitor,
            t(title),
            self._units(visitor, me.unit),
            tag(
                "nav",
                button_link("←", f"{path}?day={shown - timedelta(days=1)}", label=t("care.day.before")),
                tag("strong", weekday(visitor.language, shown), data_testid="day"),
                button_link("→", f"{path}?day={shown + timedelta(days=1)}", label=t("care.day.after")),
                None if shown == self._today() else button_link(t("today"), path),
                class_="days",
                aria_label=t("care.field.day"),
            ),
            content if visits else tag("p", t("care.none"), class_="lead"),
            here=f"{path}?day={shown}",
            done=t(f"care.done.{done}") if done in DONE else "",
        )

    def _units(self, visitor: Visitor, mine: Unit) -> Markup:
        links = [
            tag("a", each.name, href=f"/?unit={each.id}", aria_current="true" if each == mine else None)
            for each in sorted(UNITS, key=lambda unit: unit != mine)
        ]
        return tag("nav", links, class_="units", aria_label=visitor.t("care.units"))

    # A booking

    async def _one(self, request: web.Request) -> web.Response:
        visitor, visit = await self._visit(request)
        invited = await self.api.outcomes(visit.visit)
        done = request.query.get("done", "")
        return self.frame.page(
            visitor,
            visit.patient.name,
            bookings.of_visit(visitor, visit, invited),
            here=f"/visits/{visit.visit}",
            done=visitor.t(f"care.done.{done}") if done in DONE else "",
            narrow=True,
        )

    async def _join(self, request: web.Request) -> web.Response:
        """A ticket for this click, and on into the meeting: own staff are in at once."""
        await self.sessions.form(request)
        _, visit = await self._visit(request)
        _, me = self._me(request)
        return see_other(await self.api.ticket(visit.visit, me.person, "clinician", me.name, (me.unit.id,)))

    async def _link(self, request: web.Request) -> web.Response:
        """The shared link: by itself for the script that copies it, on a page for everybody else."""
        await self.sessions.form(request)
        visitor, visit = await self._visit(request)
        url = await self.api.link(visit.visit)
        if request.headers.get("Accept") == "text/plain":
            return web.Response(text=url)
        shown = bookings.link(visitor, visit, url)
        return self.frame.page(visitor, visitor.t("link.title"), shown, here=f"/visits/{visit.visit}", narrow=True)

    async def _renew(self, request: web.Request) -> web.Response:
        await self.sessions.form(request)
        _, visit = await self._visit(request)
        await self.api.renew_link(visit.visit)
        return see_other(f"/visits/{visit.visit}?done=renewed")

    async def _invitation(self, request: web.Request) -> web.Response:
        visitor, visit = await self._visit(request)
        return self._invitation_page(visitor, visit, drafts=request.match_info["way"] == "draft")

    async def _invite(self, request: web.Request) -> web.Response:
        fields = await self.sessions.form(request)
        visitor, visit = await self._visit(request)
        try:
            await self.api.invite(visit.visit, care_forms.read_invitation(fields), care_forms.once(fields))
        except ApiProblem as problem:
            return self._invitation_page(visitor, visit, drafts=False, given=fields, problem=problem)
        return see_other(f"/visits/{visit.visit}?done=invited")

    async def _draft(self, request: web.Request) -> web.Response:
        fields = await self.sessions.form(request)
        visitor, visit = await self._visit(request)
        try:
            file = await self.api.draft(visit.visit, care_forms.read_invitation(fields))
        except ApiProblem as problem:
            return self._invitation_page(visitor, visit, drafts=True, given=fields, problem=problem)
        headers = {"Content-Disposition": file.disposition}
        return web.Response(body=file.body, content_type="message/rfc822", headers=headers)

    def _invitation_page(
        self,
        visitor: Visitor,
        visit: Visit,
        *,
        drafts: bool,
        given: Mapping[str, str] | None = None,
        problem: ApiProblem | None = None,
    ) -> web.Response:
        shown = care_forms.invitation(
            visitor,
            visit,
            sends=self._sends_mail and not drafts,
            drafts=drafts,
            # After a fault the form is another call, so it gets another number.
            given={key: value for key, value in (given or {}).items() if key != "once"},
            problem=visitor.t(problem_key(problem)) if problem else "",
        )
        title = visitor.t("care.draft" if drafts else "care.invite")
        here = f"/visits/{visit.visit}/{'draft' if drafts else 'invite'}"
        return self.frame.page(visitor, title, shown, here=here, narrow=True, status=422 if problem else 200)

    async def _move_page(self, request: web.Request) -> web.Response:
        visitor, visit = await self._visit(request)
        return self._moving_page(visitor, visit, {}, "")

    async def _move(self, request: web.Request) -> web.Response:
        """Move it, with as long as it was. Whoever waits in it is told the new time by the server."""
        fields = await self.sessions.form(request)
        visitor, visit = await self._visit(request)
        starts_at = care_forms.read_time(fields)
        if starts_at is None:
            return self._moving_page(visitor, visit, fields, visitor.t("problem.invalid.time"))
        try:
            await self.api.move(visit.visit, starts_at, starts_at + (visit.ends_at - visit.starts_at))
        except ApiProblem as problem:
            return self._moving_page(visitor, visit, fields, visitor.t(problem_key(problem)))
        return see_other(f"/visits/{visit.visit}?done=moved")

    def _moving_page(self, visitor: Visitor, visit: Visit, given: Mapping[str, str], problem: str) -> web.Response:
        shown = care_forms.moving(visitor, visit, given, problem)
        return self.frame.page(
            visitor,
            visitor.t("care.move.title"),
            shown,
            here=f"/visits/{visit.visit}/move",
            narrow=True,
            status=422 if problem else 200,
        )

    async def _cancel_page(self, request: web.Request) -> web.Response:
        visitor, visit = await self._visit(request)
        shown = care_forms.cancelling(visitor, visit)
        here = f"/visits/{visit.visit}/cancel"
        return self.frame.page(visitor, visitor.t("care.cancel.title"), shown, here=here, narrow=True)

    async def _cancel(self, request: web.Request) -> web.Response:
        await self.sessions.form(request)
        _, visit = await self._visit(request)
        await self.api.cancel(visit.visit)
        return see_other("/?done=cancelled")

    # A new booking

    async def _book_page(self, request: web.Request) -> web.Response:
        visitor, _ = self._me(request)
        return self._booking_page(visitor, {}, "")

    async def _book(self, request: web.Request) -> web.Response:
        fields = await self.sessions.form(request)
        visitor, me = self._me(request)
        body = care_forms.read_booking(fields, me, visitor.language, self._today())
        if body is None:
            return self._booking_page(visitor, fields, visitor.t("problem.invalid.time"))
        try:
            visit = await self.api.book(body, care_forms.once(fields))
        except ApiProblem as problem:
            return self._booking_page(visitor, fields, visitor.t(problem_key(problem)))
        return see_other(f"/?day={visit.starts_at.astimezone(ZONE).date()}&done=booked")

    def _booking_page(self, visitor: Visitor, given: Mapping[str, str], problem: str) -> web.Response:
        soon = self.wall() + timedelta(minutes=15)
        shown = care_forms.booking(
            visitor,
            PATIENTS,
            soon - timedelta(minutes=soon.minute % 15),
            {key: value for key, value in given.items() if key != "once"},
            problem,
        )
        status = 422 if problem else 200
        return self.frame.page(visitor, visitor.t("care.book"), shown, here="/book", narrow=True, status=status)

    # Who, which, when

    def _me(self, request: web.Request) -> tuple[Visitor, Clinician]:
        visitor = self.sessions.visitor(request)
        me = clinician(visitor.person)
        assert me is not None, "whoever has not said who they are gets no page"
        return visitor, me

    async def _visit(self, request: web.Request) -> tuple[Visitor, Visit]:
        """The visit of the path. One of another unit is answered as one that does not exist."""
        visitor, me = self._me(request)
        visit = await self.api.visit(request.match_info["visit"])
        if visit.unit != me.unit.id:
            raise Shown("problem.not_found", 404)
        return visitor, visit

    def _today(self) -> date:
        return self.wall().astimezone(ZONE).date()

    def _day(self, request: web.Request) -> date:
        """The day that the query names; today where it names none."""
        try:
            asked = date.fromisoformat(request.query.get("day", ""))
        except ValueError:
            return self._today()
        return asked if 2000 < asked.year < 2099 else self._today()


def midnight(day: date) -> datetime:
    """When a day begins here."""
    return datetime.combine(day, time(), ZONE)
