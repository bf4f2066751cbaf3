"""Templates: what they say, what they may not ask for, and whose they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sfu.config import Invitations
from sfu.errors import ConfigError
from sfu.visits.wording import BUILT_IN, MAX_LOGO_BYTES, PNG, Language, Wording, faults, filled, told_time

REGION = Invitations(region="Region <X>", help_phone="0771-11 22 33", motto="Nära & dig")
STARTS, ENDS = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
LINK = "https://evisit.example/join#visit=v_1&key=abc"
STOCKHOLM = ZoneInfo("Europe/Stockholm")


@pytest.mark.parametrize("name", sorted(file.name for file in BUILT_IN.iterdir()))
def test_a_built_in_template_has_no_fault(name: str) -> None:
    assert list(faults(name, (BUILT_IN / name).read_text())) == []


@pytest.mark.parametrize(
    ("language", "needed"),
    [
        (
            "sv",
            "videobesök|Så här kommer du med|1. |2. |3. |4. |Det här behöver du|Väntrummet|Ring 0771-11 22 33|Länk: "
            + LINK,
        ),
        (
            "en",
            "video visit|How to join|1. |2. |3. |4. |What you need|The waiting room|Call 0771-11 22 33|Link: " + LINK,
        ),
    ],
)
def test_an_invitation_says_all_that_a_guest_needs(language: Language, needed: str) -> None:
    words = Wording.load(REGION).invitation(language, STARTS, ENDS, link=LINK, message="", logo="cid:logo")
    for part in needed.split("|"):
        assert part in words.text
    assert "Region <X>\nNära & dig\n" in words.text
    assert "<strong>Region &lt;X&gt;</strong>" in words.html
    assert "Nära &amp; dig" in words.html
    assert words.html.count("<li>") == 4
    assert f'<a href="{LINK.replace("&", "&amp;")}">' in words.html
    assert '<img src="cid:logo"' in words.html
    assert "$" not in words.text + words.html + words.subject


def test_the_subject_tells_the_time() -> None:
    wording = Wording.load(REGION)
    subjects = [
        wording.invitation(language, STARTS, ENDS, link=LINK, message="", logo="").subject for language in ("sv", "en")
    ]
    assert subjects == [
        "Inbjudan till videobesök måndag 23 november 2026 kl. 10.00",
        "Invitation to a video visit, Monday 23 November 2026 at 10:00",
    ]


def test_the_signature_is_an_invitation_without_time_and_link() -> None:
    wording = Wording.load(REGION)
    text, html = wording.signature("sv", logo="")
    words = wording.invitation("sv", STARTS, ENDS, link=LINK, message="", logo="")
    assert text.strip() in words.text
    assert html.strip() in words.html
    assert "http" not in text + html
    assert "<img" not in html


def test_a_message_stands_in_both_forms_and_is_escaped_in_html() -> None:
    words = Wording.load(REGION).invitation("sv", STARTS, ENDS, link=LINK, message="Hej $link\n<b>du</b>", logo="")
    assert "\n\nHej $link\n<b>du</b>\n\n" in words.text
    assert "Hej $link<br>\n&lt;b&gt;du&lt;/b&gt;" in words.html


def test_a_line_with_an_empty_field_is_left_out() -> None:
    assert filled("a\n\n$x\n\nb $y\nc $$5 $z\n", {"x": "", "y": "", "z": "1"}) == "a\n\nc $5 1\n"
    bare = Wording.load(Invitations()).invitation("en", STARTS, ENDS, link=LINK, message="", logo="")
    assert "Call" not in bare.text
    assert "\n\n\n" not in bare.text


@pytest.mark.parametrize(
    ("moment", "language", "expected"),
    [
        ("2026-06-01T22:30:00Z", "sv", "tisdag 2 juni 2026 00.30 UTC+02:00"),
        ("2026-12-31T23:30:00Z", "en", "Friday 1 January 2027 00:30 UTC+01:00"),
        ("2028-02-29T12:00:00Z", "sv", "tisdag 29 februari 2028 13.00 UTC+01:00"),
    ],
)
def test_times_are_the_regions(moment: str, language: Language, expected: str) -> None:
    told = told_time(datetime.fromisoformat(moment), datetime.fromisoformat(moment), language, STOCKHOLM)
    assert f"{told['date']} {told['starts']} {told['zone']}" == expected


GOOD_TEXT = "Subject: $date\n\n$date $starts $link\n$signature\n"
GOOD_HTML = '<p>$date $starts <a href="$link">$link</a></p>$signature'
TELLS = "an invitation tells nothing of patient, clinic, title or reason"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        *(
            ("invitation.sv.txt", GOOD_TEXT + f"${field}", f"may not hold ${field}: {TELLS}")
            for field in ("patient", "patient_name", "clinic", "unit_name", "title", "reason", "booking", "name")
        ),
        ("invitation.sv.html", GOOD_HTML + "${patient}", f"may not hold $patient: {TELLS}"),
        (
            "signature.sv.txt",
            "$help_phone $link",
            "holds $link, which is unknown; known here: help_phone, motto, region",
        ),
        ("signature.sv.txt", "Ring oss", "must hold $help_phone"),
        ("invitation.en.txt", GOOD_TEXT.replace("$link", ""), "must hold $link"),
        ("invitation.en.txt", GOOD_TEXT + "5 $ 7", 'holds a "$" that begins no field; a dollar sign is written "$$"'),
        ("invitation.en.txt", "Hello\n" + GOOD_TEXT, 'must begin with a line "Subject: …"'),
        (
            "invitation.en.txt",
            GOOD_TEXT.replace("Subject: $date", "Subject: $link"),
            "may hold in its subject only: date, ends, region, starts, zone",
        ),
    ],
)
def test_a_template_that_asks_for_what_it_may_not_is_refused(name: str, text: str, fault: str) -> None:
    assert list(faults(name, text)) == [fault]


@pytest.mark.parametrize(
    "loaded",
    [
        '<img src="https://track.example/1.gif">',
        "<img src=x>",
        '<img srcset="a 2x">',
        "<script>1</script>",
        "<iframe></iframe>",
        '<link rel="stylesheet" href="x">',
        '<body background="x">',
        "<p style='background:url(x)'>",
        "<style>@import 'x'</style>",
        '<p onclick="x()">',
        '<form action="x">',
        '<meta http-equiv="refresh">',
    ],
)
def test_html_that_loads_or_runs_anything_is_refused(loaded: str) -> None:
    (fault,) = faults("invitation.sv.html", GOOD_HTML + loaded)
    assert fault.startswith("may not hold ")
    assert not list(faults("invitation.sv.html", GOOD_HTML + '<img src="$logo" alt="">'))


def test_a_regions_templates_replace_the_built_in_ones_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "invitation.sv.txt").write_text(GOOD_TEXT + "Egna ord\r\n")
    wording = Wording.load(Invitations(help_phone="1", templates=str(tmp_path)))
    assert wording.invitation("sv", STARTS, ENDS, link=LINK, message="", logo="").text.endswith("Egna ord\n")
    assert "How to join" in wording.invitation("en", STARTS, ENDS, link=LINK, message="", logo="").text


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("invitation.sv.text", b"", r"invitation\.sv\.text: is no template; known here: invitation\.sv\.txt, "),
        ("invitation.sv.txt", b"\xff", r"invitation\.sv\.txt: is not UTF-8$"),
        ("invitation.sv.txt", b"x" * 70_000, r"invitation\.sv\.txt: has more than 65536 bytes$"),
        ("invitation.sv.txt", GOOD_TEXT.encode() + b"$patient", r"invitation\.sv\.txt: may not hold \$patient"),
    ],
)
def test_a_fault_in_a_regions_folder_names_the_file(tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=fault):
        Wording.load(Invitations(templates=str(tmp_path)))
    with pytest.raises(ConfigError, match=r"^invitations\.templates: .*cannot be read: No such file"):
        Wording.load(Invitations(templates=str(tmp_path / "none")))


@pytest.mark.parametrize("content", [b"GIF89a", PNG + bytes(MAX_LOGO_BYTES)])
def test_a_logo_is_a_small_png(tmp_path: Path, content: bytes) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(content)
    with pytest.raises(ConfigError, match=r"must be a PNG of at most 100 KB$"):
        Wording.load(Invitations(logo_file=str(logo)))
    logo.write_bytes(PNG)
    assert Wording.load(Invitations(logo_file=str(logo))).logo == PNG
