"""What a demo keeps over a restart, what its keys are good for, and what it tells."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from sfu.admission.records import Action
from sfu.app import demo
from sfu.app.demo import Addresses, Demo, DemoError, Keys
from sfu.config import Config, Portal, Scope
from sfu.config import sections as config_sections
from sfu.errors import ConfigError
from sfu.visits.store import Store
from sfu.web.callers import Callers, key_hash
from tests.databases import Database
from tests.visits.sample import booked, entry

ENDS = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
DEMO = Demo(
    keys=Keys("key-demo", "key-care", "key-patient"),
    visit="v_1",
    ends_at=ENDS.isoformat(),
    clinician="/join#ticket=a",
    patient="/join#ticket=b",
    guardians=("/join#ticket=c", "/join#ticket=d"),
    share="/join#visit=v_1&key=e",
)
AT = Addresses("http://127.0.0.1:1", "http://127.0.0.1:2/metrics", "http://127.0.0.1:3", "http://127.0.0.1:4")


def test_a_restart_carries_on_until_the_visit_is_over(tmp_path: Path) -> None:
    assert demo.carried_over(tmp_path, ENDS) is None
    demo.keep(tmp_path, DEMO)
    assert demo.carried_over(tmp_path, ENDS - timedelta(seconds=1)) == DEMO
    assert demo.carried_over(tmp_path, ENDS) is None


def test_what_is_kept_is_for_nobody_else(tmp_path: Path) -> None:
    demo.keep(tmp_path, DEMO)
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kept", ["{", "[]", "{}", '{"portal_key": "x", "visit": "v_1", "guardians": []}'])
def test_what_cannot_be_carried_on_with_is_told_in_one_line(tmp_path: Path, kept: str) -> None:
    (tmp_path / demo.STATE).write_text(kept)
    with pytest.raises(DemoError, match=r"^\S+demo\.json cannot be read; delete it to begin anew$"):
        demo.carried_over(tmp_path, ENDS)


def test_a_server_that_is_in_use_is_not_played_with(tmp_path: Path) -> None:
    config = Config(portals=(Portal(id="cosmic", key_hash=key_hash("key"), scopes=("visits:read",)),))
    with pytest.raises(ConfigError, match=r"^\[\[portals\]\]"):
        demo.configure(config, AT.base_url, media_port=0, data=tmp_path, keys=DEMO.keys)


async def test_a_database_with_visits_that_no_demo_booked_is_left_alone(database: Database) -> None:
    config = Config(database=config_sections.Database(url=database.url))
    demo.check_database(config)
    store = await Store.open(database.url)
    for portal in (demo.DEMO, demo.CARE_RECORD, demo.PATIENT_PORTAL):
        await store.create_visit(booked(f"v_{portal}", portal=portal), entry(Action.CREATED))
    await asyncio.to_thread(demo.check_database, config)
    await store.create_visit(booked("v_other"), entry(Action.CREATED))
    await store.close()
    with pytest.raises(DemoError, match="that no demo has booked"):
        demo.check_database(config)


def test_where_there_is_no_database_there_are_no_visits(tmp_path: Path) -> None:
    config = Config(database=config_sections.Database(directory=str(tmp_path)))
    demo.check_database(config)
    assert list(tmp_path.iterdir()) == []


def test_each_key_is_good_for_what_its_portal_does_and_all_see_the_same_visits(tmp_path: Path) -> None:
    config = demo.configure(Config(), AT.base_url, media_port=0, data=tmp_path, keys=DEMO.keys)
    scopes = {portal.id: set(portal.scopes) for portal in config.portals}
    assert scopes["demo"] == set(get_args(Scope))
    assert "tickets:citizen" not in scopes["demo-care-record"]
    assert scopes["demo-patient-portal"] == {"visits:read", "tickets:citizen"}
    everybody = set(scopes)
    for portal in config.portals:
        assert {portal.id, *portal.shares_with} == everybody
    Callers(config.portals, config.limits)


def test_programs_are_told_in_one_line() -> None:
    told = demo.told_as_json(DEMO, AT)
    assert "\n" not in told
    read = json.loads(told)
    assert set(read) == {"base_url", "metrics_url", "visit", "portal_key", "links", "portals"}
    assert read["links"]["guardians"] == [AT.base_url + each for each in DEMO.guardians]
    assert read["portal_key"] == "key-demo"
    for other in ("key-care", "key-patient"):
        assert other not in told


def test_people_are_told_in_both_languages() -> None:
    told = demo.told_to_people(DEMO, AT)
    for address in (
        AT.care_record,
        AT.patient_portal,
        AT.metrics_url,
        *(AT.base_url + each for each in DEMO.guardians),
    ):
        assert address in told
    for words in ("Vårdsystem", "Care record", "Patientportal", "Patient portal"):
        assert words in told
    assert "key-" not in told
