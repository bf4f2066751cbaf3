"""Mails: what they hold, what they never hold, and that nothing in an address or message makes a header."""

from __future__ import annotations

import email
import email.policy
import json
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sfu.config import Invitations
from sfu.ids import VisitId
from sfu.visits.invitations import Invitation, InvitationWanted, draft, mail, telling
from sfu.visits.wording import PNG, Language, Wording
from tests.visits.sample import body, booked

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
LINK = "https://evisit.example/join#visit=v_1&key=abc"
WORDING = Wording.load(Invitations(region='Region "Å, B"', help_phone="0771", motto="Nära"))
PERSONAL = ("Per P", "Maria", "Johan", "Eva", "Ögonmottagningen", "Återbesök", "SE2321000016", "8841027", "1177", "hsa")


def invitation(language: Language = "sv", message: str = "") -> Invitation:
    visit = booked().visit
    return Invitation(
        visit=VisitId("v_1"),
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        language=language,
        message=message,
        link=LINK,
    )


def sent(language: Language = "sv", message: str = "", wording: Wording = WORDING) -> bytes:
    return mail(invitation(language, message), wording, sender="evisit@region.example", id_="m_1", at=AT)


def read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert all(not part.defects for part in message.walk())
    return message


def everything(raw: bytes) -> str:
    """Headers and parts, decoded, without the boundaries: their digits are random."""
    message = read(raw)
    parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    headers = [
        f"{name}: {value}" for part in message.walk() for name, value in part.items() if "boundary=" not in value
    ]
    return "\n".join([*headers, *(part.decode(errors="replace") for part in parts if isinstance(part, bytes))])


def _refused_addresses(*addresses: str) -> list[tuple[dict[str, object], str]]:
    return [({"to": [address]}, "one mail address, in ASCII, without a name") for address in addresses]


def wanted(**changes: object) -> InvitationWanted:
    return InvitationWanted.model_validate_json(json.dumps({"to": ["a@b.se"], **changes}))


@pytest.mark.parametrize("language", ["sv", "en"])
def test_a_mail_has_text_html_logo_and_calendar(language: Language) -> None:
    wording = Wording(**{**{name: getattr(WORDING, name) for name in WORDING.__slots__}, "logo": PNG + b"rest"})
    message = read(sent(language, wording=wording))
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"),
        "text/calendar",
    ]
    logo = next(part for part in message.walk() if part.get_content_type() == "image/png")
    assert logo["Content-ID"] == "<logo@evisit>"
    assert logo.get_payload(decode=True) == PNG + b"rest"
    assert 'src="cid:logo@evisit"' in everything(sent(language, wording=wording))
    assert message["Content-Language"] == language
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == {"sv": "videobesok.ics", "en": "video-visit.ics"}[language]
    assert LINK.encode() in attached.get_payload(decode=True).replace(b"\r\n ", b"")  # type: ignore[union-attr] # bytes


def test_its_headers_name_the_region_and_nobody_else() -> None:
    message = read(sent())
    assert dict(message.items()).keys() == {
        *("Subject", "MIME-Version", "Content-Type", "Content-Language", "From", "To", "Date", "Message-ID"),
        "Auto-Submitted",
    }
    assert message["From"].addresses[0].display_name == 'Region "Å, B"'
    assert message["From"].addresses[0].addr_spec == "evisit@region.example"
    assert message["To"] == "undisclosed-recipients:;"
    assert message["Message-ID"] == "<m_1@region.example>"


@pytest.mark.parametrize("language", ["sv", "en"])
def test_nothing_of_patient_clinic_title_or_reason_is_in_any_byte(language: Language) -> None:
    told = everything(sent(language)) + everything(
        draft(invitation(language), WORDING, to=["a@b.se"], domain="evisit.example", at=AT)
    )
    for personal in PERSONAL:
        assert personal not in told


def test_every_mail_is_ascii_in_lines_that_any_server_takes() -> None:
    raw = sent(message="Å" * 400)
    raw.decode("ascii")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_draft_opens_for_editing_with_everybody_in_bcc_alone() -> None:
    raw = draft(invitation(), WORDING, to=["a@b.se", "c@d.se"], domain="evisit.example", at=AT)
    message = read(raw)
    assert message["X-Unsent"] == "1"
    assert [address.addr_spec for address in message["Bcc"].addresses] == ["a@b.se", "c@d.se"]
    for name in ("To", "Cc", "From", "Date", "Message-ID"):
        assert message[name] is None, name
    assert everything(raw).count("a@b.se") == 1


ADDRESSES = st.from_regex(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[a-z0-9]{1,9})?@[a-z0-9]{1,20}(\.[a-z]{2,9}){1,3}", fullmatch=True
)


@given(st.lists(ADDRESSES, min_size=1, max_size=20, unique_by=str.casefold))
def test_whatever_the_addresses_a_draft_has_them_in_bcc_as_they_were(to: list[str]) -> None:
    assert wanted(to=to).to == tuple(to)
    message = read(draft(invitation(), WORDING, to=to, domain="evisit.example", at=AT))
    assert [address.addr_spec for address in message["Bcc"].addresses] == to
    assert message.keys().count("Bcc") == 1


NOISE = st.text(st.sampled_from("ab@.,;:<>()[]\\\"' \r\n\t\0åBcTo"), max_size=30)


@given(NOISE, NOISE)
def test_no_address_makes_a_header_or_a_second_recipient(before: str, after: str) -> None:
    address = f"{before}x@y.se{after}"
    try:
        to = wanted(to=[address]).to
    except ValidationError:
        return
    message = read(draft(invitation(), WORDING, to=to, domain="evisit.example", at=AT))
    assert [each.addr_spec for each in message["Bcc"].addresses] == [address]
    assert set(address) <= set("ab.xysecBTo@'")


@given(st.text(max_size=200))
def test_no_message_makes_a_header_or_a_tag(message: str) -> None:
    try:
        said = wanted(message=message).message
    except ValidationError:
        return
    raw = sent(message=said)
    assert read(raw).keys() == read(sent()).keys()
    html = read(raw).get_body(("html",))
    plain = read(sent()).get_body(("html",))
    assert isinstance(html, EmailMessage)
    assert isinstance(plain, EmailMessage)
    extra = html.get_content().count("<") - plain.get_content().count("<")
    lines = said.count("\n")
    assert extra == (2 + lines if said else 0)


BAD: list[tuple[dict[str, object], str]] = [
    ({"to": []}, "at least 1 item"),
    ({"to": [f"a{n}@b.se" for n in range(21)]}, "at most 20 items"),
    ({"to": ["a@b.se", "A@B.se"]}, "each address may stand in it once"),
    *_refused_addresses(
        *("", "a", "@b.se", "a@", "a@b", "a@b.", "a@.se", "a@b..se", ".a@b.se", "a.@b.se", "a..b@c.se"),
        *("a@b.se, c@d.se", "a@b.se;c@d.se", "A <a@b.se>", '"a b"@c.se', "a@[127.0.0.1]", "å@b.se", "a@å.se"),
        *("a@b.se\r\nBcc: c@d.se", "a@b.se\n", " a@b.se", "a@b.se\0", "a@-b.se", "a b@c.se", "a@b.1"),
        *("x" * 65 + "@b.se", "a@b.se\u2028"),
    ),
    ({"to": ["a@" + "b." * 130 + "se"]}, "at most 254 characters"),
    ({"message": "x" * 1001}, "at most 1000 characters"),
    ({"message": "a\0b"}, "visible text"),
    ({"message": "a\rb"}, "visible text"),
    ({"message": "a\u202eb"}, "visible text"),
    ({"message": "pnr 19640823-3234"}, "must not hold a personal identity number"),
    ({"language": "de"}, "'sv' or 'en'"),
    ({"cc": ["a@b.se"]}, "Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_breaks_a_rule_is_refused_without_repeating_it(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        wanted(**changes)
    assert "input_value" not in str(caught.value)


@pytest.mark.parametrize(
    ("message", "tells"),
    [
        ("", False),
        ("Ring på porttelefonen.", False),
        ("Perfekt, vi hörs!", False),
        ("Dr Eva Ek ringer upp.", False),
        ("Tolkning för per  p på fredag", True),
        ("Mamma: MARIA\nP", True),
        ("Välkommen till ögonmottagningen!", True),
        ("återbesök", True),
        ("enhet SE2321000016-1HZ3", True),
        ("bokning cosmic:8841027", True),
    ],
)
def test_a_message_that_tells_of_patient_clinic_or_title_is_known(message: str, tells: bool) -> None:
    assert telling(message, booked()) is tells


def test_a_title_of_signs_alone_is_no_word() -> None:
    assert telling("hej", booked(title="–")) is False
    assert body()["title"] == "Återbesök"
