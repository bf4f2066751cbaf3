"""What the demo's portals say, in Swedish and English."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from typing import Literal, TypeAlias

Language: TypeAlias = Literal["sv", "en"]
LANGUAGES: tuple[tuple[Language, str], ...] = (("sv", "Svenska"), ("en", "English"))

WEEKDAYS = {
    "sv": ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {
    "sv": "januari februari mars april maj juni juli augusti september oktober november december".split(),
    "en": "January February March April May June July August September October November December".split(),
}

TEXTS: dict[str, tuple[str, str]] = {
    # Both portals
    "demo": ("demo", "demo"),
    "demo.line": (
        "Det här är en demo. Alla personer är påhittade och ingen behöver lösenord.",
        "This is a demo. All people are invented and nobody needs a password.",
    ),
    "skip": ("Hoppa till innehållet", "Skip to the content"),
    "language": ("Språk", "Language"),
    "menu": ("Meny", "Menu"),
    "login.title": ("Vem är du?", "Who are you?"),
    "login.lead": ("Välj vem du vill vara i demon.", "Choose who you want to be in the demo."),
    "login.out": ("Byt person", "Be somebody else"),
    "back": ("Tillbaka", "Back"),
    "today": ("I dag", "Today"),
    "copy": ("Kopiera länken", "Copy the link"),
    "copy.done": ("Länken är kopierad.", "The link is copied."),
    "copy.failed": (
        "Det gick inte att kopiera. Markera länken själv.",
        "It could not be copied. Mark the link yourself.",
    ),
    "link.title": ("Länk att dela", "Link to pass on"),
    "link.lead": (
        "En och samma länk för alla som ska vara med: tolk, kollega, anhörig. Den som öppnar den anger sitt namn och väntar tills "
        "vårdpersonalen släpper in.",
        "One and the same link for everybody who is to take part: interpreter, colleague, next of kin. Whoever opens it states a name and "
        "waits until care staff let them in.",
    ),
    "link.label": ("Länk till {patient}, {time}", "Link for {patient}, {time}"),
    "join": ("Anslut till videobesöket", "Join the video visit"),
    "state.booked": ("Bokat", "Booked"),
    "state.open": ("Öppet", "Open"),
    "state.active": ("Pågår", "In progress"),
    "state.ended": ("Avslutat", "Over"),
    "state.cancelled": ("Avbokat", "Cancelled"),
    "opens": ("Öppnar {time}", "Opens at {time}"),
    "at": ("kl. {time}", "at {time}"),
    # What went wrong
    "problem.title": ("Det gick inte", "That did not work"),
    "problem.visit_ended": (
        "Besöket är avslutat eller avbokat. Det går inte att ansluta till det längre.",
        "The visit is over or cancelled. It cannot be joined any more.",
    ),
    "problem.guardian_age": (
        "Patienten har fyllt 13 år. Från den dagen kan vårdnadshavare inte kallas eller ansluta.",
        "The patient has turned 13. From that day guardians cannot be booked or join.",
    ),
    "problem.not_booked": (
        "Besöket är inte bokat för dig. Be vårdmottagningen om länken om du ska vara med.",
        "The visit is not booked for you. Ask the clinic for the link if you are to take part.",
    ),
    "problem.not_found": ("Besöket finns inte.", "There is no such visit."),
    "problem.invalid": ("Något i formuläret går inte att använda.", "Something in the form cannot be used."),
    "problem.invalid.to": (
        "Kontrollera adresserna: en på varje rad, högst 20.",
        "Check the addresses: one on each line, at most 20.",
    ),
    "problem.invalid.message": (
        "Meddelandet får inte nämna patienten, mottagningen eller varför: e-post kan läsas av andra på vägen.",
        "The message must not name the patient, the clinic or the reason: mail can be read by others on its way.",
    ),
    "problem.invalid.time": ("Ange en dag och en tid.", "Give a day and a time."),
    "problem.mail_off": (
        "Här är ingen e-postserver ansluten. Ladda ner ett utkast i stället.",
        "No mail server is connected here. Download a draft instead.",
    ),
    "problem.rate_limited": (
        "Det var för många anrop. Försök igen om en stund.",
        "That was too many calls. Try again in a while.",
    ),
    "problem.store_unavailable": (
        "Videotjänsten kan inte spara just nu. Inget har ändrats. Försök igen om en stund.",
        "The video service cannot save just now. Nothing has changed. Try again in a while.",
    ),
    "problem.unreachable": (
        "Videotjänsten svarar inte. Försök igen om en stund.",
        "The video service does not answer. Try again in a while.",
    ),
    "problem.form": ("Sidan har blivit gammal. Öppna den på nytt.", "The page has grown old. Open it anew."),
    "problem.page": ("Sidan finns inte.", "There is no such page."),
    # Care record
    "care.name": ("Vårdsystem", "Care record"),
    "care.schedule": ("Tidbok", "Schedule"),
    "care.visits": ("Besökslista", "Visit list"),
    "care.web": ("Webbtidbok", "Web schedule"),
    "care.book": ("Boka tid", "Book a time"),
    "care.units": ("Mottagningar", "Clinics"),
    "care.day.before": ("Dagen före", "The day before"),
    "care.day.after": ("Dagen efter", "The day after"),
    "care.none": ("Inga bokade videobesök den här dagen.", "No video visits are booked on this day."),
    "care.hint": (
        "Högerklicka på en bokning, eller välj Åtgärder.",
        "Right-click a booking, or choose Actions.",
    ),
    "care.actions": ("Åtgärder", "Actions"),
    "care.actions.of": ("Åtgärder för {patient} {time}", "Actions for {patient} {time}"),
    "care.with": ("med {names}", "with {names}"),
    "care.waiting": ("{count} i väntrummet", "{count} in the waiting room"),
    "care.now": ("Nu", "Now"),
    "care.later": ("Senare", "Later"),
    "care.before": ("Tidigare", "Earlier"),
    "care.web.lead": (
        "Kopiera länken till ett besök och ge den till den som ska vara med.",
        "Copy the link of a visit and give it to whoever is to take part.",
    ),
    "care.foreign.title": ("Ingen åtkomst till tidboken", "No access to the schedule"),
    "care.foreign": (
        "Du arbetar inte på {unit} och ser därför inte vilka besök som är bokade där. Ska du vara med i ett besök? Be en kollega på "
        "mottagningen om länken. Med den väntar du tills kollegan släpper in dig.",
        "You do not work at {unit}, so you do not see which visits are booked there. Are you to take part in one? Ask a colleague at the "
        "clinic for the link. With it you wait until they let you in.",
    ),
    "care.invite": ("Bjud in med e-post", "Invite by mail"),
    "care.draft": ("Ladda ner e-postutkast", "Download a mail draft"),
    "care.move": ("Flytta", "Move"),
    "care.renew": ("Byt länk", "New link"),
    "care.renew.hint": (
        "Har länken kommit fel? Med en ny länk slutar den gamla gälla genast.",
        "Has the link gone astray? With a new link the old one stops working at once.",
    ),
    "care.cancel": ("Avboka", "Cancel the visit"),
    "care.cancel.title": ("Avboka besöket?", "Cancel the visit?"),
    "care.cancel.lead": (
        "Alla som är i besöket eller väntar får veta det genast, och länkarna slutar gälla.",
        "Everybody who is in the visit or waits is told at once, and the links stop working.",
    ),
    "care.cancel.yes": ("Ja, avboka", "Yes, cancel it"),
    "care.cancel.no": ("Nej, behåll", "No, keep it"),
    "care.move.title": ("Flytta besöket", "Move the visit"),
    "care.move.lead": (
        "Den som redan väntar får se den nya tiden. Länkarna är desamma.",
        "Whoever waits already sees the new time. The links stay the same.",
    ),
    "care.invite.lead": (
        "För tolk och andra som inte står i bokningen. Var och en får ett eget brev och ser inte de andra. Brevet nämner varken "
        "patient, mottagning eller orsak.",
        "For interpreters and others whom the booking does not name. Each gets a mail of their own and does not see the others. The mail "
        "names neither patient, clinic nor reason.",
    ),
    "care.draft.lead": (
        "Utkastet öppnas i ditt e-postprogram. Mottagarna står som hemlig kopia och ser inte varandra.",
        "The draft opens in your mail program. Recipients stand in blind copy and do not see each other.",
    ),
    "care.invite.off": (
        "Här är ingen e-postserver ansluten, så inbjudan görs som ett utkast till ditt e-postprogram.",
        "No mail server is connected here, so the invitation is made as a draft for your mail program.",
    ),
    "care.invite.to": ("E-postadresser, en på varje rad", "Mail addresses, one on each line"),
    "care.invite.language": ("Brevets språk", "Language of the mail"),
    "care.invite.message": ("Meddelande, om du vill", "Message, if you like"),
    "care.invite.send": ("Skicka inbjudan", "Send the invitation"),
    "care.invited": ("Inbjudningar", "Invitations"),
    "care.outcome.waiting": ("{count} på väg", "{count} on the way"),
    "care.outcome.sent": ("{count} skickade", "{count} sent"),
    "care.outcome.failed": ("{count} kunde inte skickas", "{count} could not be sent"),
    "care.outcome.cancelled": ("{count} stoppade", "{count} stopped"),
    "care.field.patient": ("Patient", "Patient"),
    "care.field.day": ("Dag", "Day"),
    "care.field.time": ("Tid", "Time"),
    "care.field.title": ("Besökstyp", "Kind of visit"),
    "care.field.guardians": ("Kalla vårdnadshavarna", "Book the guardians"),
    "care.guardians": ("Vårdnadshavare", "Guardians"),
    "care.field.staff": ("Vårdpersonal", "Staff"),
    "care.field.unit": ("Mottagning", "Clinic"),
    "care.title.return": ("Återbesök", "Return visit"),
    "care.years": ("{name}, {years} år", "{name}, {years}"),
    "care.done.booked": ("Besöket är bokat.", "The visit is booked."),
    "care.done.moved": ("Besöket är flyttat.", "The visit is moved."),
    "care.done.cancelled": ("Besöket är avbokat.", "The visit is cancelled."),
    "care.done.invited": ("Inbjudan är på väg.", "The invitation is on its way."),
    "care.done.renewed": (
        "Länken är utbytt. Den gamla gäller inte längre.",
        "There is a new link. The old one does not work any more.",
    ),
    # Patient portal
    "patient.name": ("Patientportal", "Patient portal"),
    "patient.booked": ("Bokade tider", "Booked times"),
    "patient.own": ("Dina bokade tider", "Your booked times"),
    "patient.child": ("För {name}, {years} år", "For {name}, {years}"),
    "patient.none": ("Inga bokade tider.", "No booked times."),
    "patient.early": (
        "Du kan ansluta från {time}.",
        "You can join from {time}.",
    ),
    "patient.waits": (
        "Du kommer till ett väntrum. Vårdpersonalen släpper in dig.",
        "You come to a waiting room. Care staff let you in.",
    ),
    "patient.grown": (
        "{name} har fyllt 13 år. Då ser du inte längre bokade tider och kan inte ansluta som vårdnadshavare. {name} kan själv dela länken.",
        "{name} has turned 13. From then on you do not see booked times and cannot join as a guardian. {name} can pass on the link.",
    ),
    "patient.grown.try": ("Prova ändå (demo)", "Try anyway (demo)"),
    "patient.years": ("{years} år", "{years} years"),
    "patient.parent": ("förälder till {names}", "parent of {names}"),
}


def text(language: Language, key: str, **values: str) -> str:
    """A text of the catalogue, with its fields filled in."""
    return TEXTS[key][0 if language == "sv" else 1].format(**values)


def clock(moment: datetime, zone: tzinfo) -> str:
    """The time of day, such as 09:30."""
    return f"{moment.astimezone(zone):%H:%M}"


def weekday(language: Language, when: date) -> str:
    """A date in words, such as `måndag 23 november`."""
    return f"{WEEKDAYS[language][when.weekday()]} {when.day} {MONTHS[language][when.month - 1]}"
