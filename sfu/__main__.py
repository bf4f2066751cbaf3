"""The command line: `python -m sfu [serve|demo|check|portal|audit]`. Exit codes: 0 well, 1 failed, 2 wrong use."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias, get_args

import uvloop

from sfu import __version__, clock, config, log, portals
from sfu.config import Scope
from sfu.errors import ConfigError, EvisitError
from sfu.ids import PersonId, VisitId
from sfu.web.callers import key_hash

WELL, FAILED, WRONG_USE = 0, 1, 2

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        code = int(asked.run(asked))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output has had enough; what is left of it goes nowhere, without a second complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WELL
    except ConfigError as error:
        print(f"evisit: {error}", file=sys.stderr)
        return WRONG_USE
    except EvisitError as error:
        print(f"evisit: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return WELL


def _serve(asked: argparse.Namespace) -> int:
    settings = config.load(asked.config)
    log.configure(level=settings.logging.level, form=settings.logging.format)
    from sfu.app.server import Server

    return _run(Server(settings).serve())


def _demo(asked: argparse.Namespace) -> int:
    base = config.load(asked.config)
    # Quiet, unless a configuration says what it wants to hear.
    log.configure(level=base.logging.level if asked.config else "warning", form=base.logging.format)
    from sfu.app import demo
    from sfu.app.listening import base_url, bind_tcp
    from sfu.app.server import Server

    with ExitStack() as stack:
        if asked.data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evisit-demo-")))
        else:
            data = Path(asked.data)
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
        carried = demo.carried_over(data, clock.wall())
        keys = carried.keys if carried else demo.Keys.new()
        web_socket = bind_tcp("--port", f"127.0.0.1:{asked.port}")
        settings = demo.configure(base, base_url(web_socket), media_port=asked.media_port, data=data, keys=keys)
        demo.check_database(settings)
        server = Server(settings, web_socket=web_socket)
        both = demo.portals_of(settings, server.base_url, keys, asked.port)

        async def tell() -> None:
            await both.start()
            told = carried or await demo.begin(server.base_url, keys, both)
            demo.keep(data, told)
            at = demo.Addresses(server.base_url, server.metrics_url, both.care_record_url, both.patient_portal_url)
            print((demo.told_as_json if asked.json else demo.told_to_people)(told, at), flush=True)

        async def serve() -> None:
            try:
                await server.serve(started=tell)
            finally:
                await both.stop()

        return _run(serve())


def _check(asked: argparse.Namespace) -> int:
    found, faults = config.read(_file(asked))
    for fault in faults:
        print(f"evisit: {fault}", file=sys.stderr)
    if found is None:
        return WRONG_USE
    from sfu.app.webhooks import secret_of
    from sfu.visits.wording import Wording
    from sfu.web.branding import Brand

    # What the configuration names has to be there too: templates, logos, secrets; and colours have to be read.
    Wording.load(found.invitations)
    Brand.load(found.branding)
    found.smtp.password()
    found.turn.secret()
    found.database.address()
    for webhook in found.webhooks:
        secret_of(webhook)
    print("The configuration is well.")
    return WELL


def _webhooks_replay(asked: argparse.Namespace) -> int:
    from sfu.visits.replay import replay

    replayed = replay(
        _database(asked).address().reveal(),
        clock.wall(),
        endpoint=asked.endpoint,
        visit=VisitId(asked.visit) if asked.visit else None,
        since=asked.since,
        failed=asked.failed,
    )
    print(f"{replayed} events are delivered again, under their old ids.")
    return WELL


def _audit_verify(asked: argparse.Namespace) -> int:
    from sfu.visits import audit
    from sfu.visits.access_log import Head

    try:
        anchor = Head.read(asked.head) if asked.head else None
    except ValueError as error:
        raise ConfigError(f"--head: {error}") from error
    verdict = audit.verify(_database(asked).address().reveal(), anchor)
    if verdict.fault is None:
        print(f"The access log is whole: {verdict.head.number} rows. Its head, to keep elsewhere: {verdict.head}")
        return WELL
    where = f" at row {verdict.row}" if verdict.row is not None else ""
    print(f"The access log is not whole: {verdict.fault}{where}.", file=sys.stderr)
    return FAILED


def _audit_export(asked: argparse.Namespace) -> int:
    from sfu.visits import audit

    visit = VisitId(asked.visit) if asked.visit else None
    patient = PersonId(asked.patient) if asked.patient else None
    if asked.readable and patient is None:
        raise ConfigError("--readable is for one patient: give --patient")
    try:
        for row in audit.export(_database(asked).address().reveal(), clock.wall(), visit, patient):
            line = audit.for_patient(row, patient) if asked.readable and patient else audit.as_json(row)
            if line is not None:
                print(line)
    except LookupError as error:
        print(f"evisit: {error}", file=sys.stderr)
        return FAILED
    return WELL


def _backup(asked: argparse.Namespace) -> int:
    from sfu.visits.backup import backup

    database = _database(asked)
    verdict = backup(database.address().reveal(), database.keys, Path(asked.into))
    if verdict.fault is not None:
        print(f"The backup is made, but its access log is not whole: {verdict.fault}.", file=sys.stderr)
        return FAILED
    print(f"The backup is made, and its access log is whole. Its head, to keep elsewhere: {verdict.head}")
    return WELL


def _portal_add(asked: argparse.Namespace) -> int:
    key = portals.new_key()
    portals.add(_file(asked), asked.id, key_hash(key), asked.scope or get_args(Scope))
    print(key)
    print(
        "This is the portal's key. It is told now and never again; the server reads it at its next start.",
        file=sys.stderr,
    )
    return WELL


def _portal_list(asked: argparse.Namespace) -> int:
    for portal in portals.listed(_file(asked)):
        print(f"{portal.id}\t{' '.join(portal.scopes)}")
    return WELL


def _portal_revoke(asked: argparse.Namespace) -> int:
    portals.revoke(_file(asked), asked.id)
    print(f"Portal {asked.id} is revoked from the server's next start on.")
    return WELL


def _file(asked: argparse.Namespace) -> Path:
    return Path(asked.config or "config.toml")


def _database(asked: argparse.Namespace) -> config.Database:
    settings = config.load(asked.config)
    if asked.data is None:
        return settings.database
    return settings.database.model_copy(update={"directory": asked.data, "url": ""})


def _run(serving: Coroutine[Any, Any, None]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving)
    return WELL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sfu", description="A media backend for video visits.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--config", metavar="FILE", help="a configuration; see config.toml")
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, under: Commands = commands
    ) -> argparse.ArgumentParser:
        added = under.add_parser(name, help=text, description=text)
        # Absent unless given, so that it does not hide the one before the command.
        added.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="a configuration")
        added.set_defaults(run=run)
        return added

    command("serve", _serve, "serve (also without a command)")
    demo = command(
        "demo", _demo, "serve on this machine with two portals and a day of bookings, and print the links to open"
    )
    demo.add_argument("--port", type=_port, default=8080, help="TCP port of the page; 0 takes a free one (8080)")
    demo.add_argument("--media-port", type=_port, default=44444, help="UDP port of media; 0 takes a free one (44444)")
    demo.add_argument("--data", metavar="DIR", help="keep data and keys there, so that a restart carries on")
    demo.add_argument("--json", action="store_true", help="print one JSON line instead of text")
    command("check", _check, "say what is wrong with a configuration, key by key")
    saved = command("backup", _backup, "copy the database and the keys to a new folder, while the server runs")
    saved.add_argument("into", metavar="FOLDER", help="the folder to make")
    saved.add_argument("--data", metavar="DIR", help="the folder of the database, as a demo was given it")
    portal = command("portal", _portal_list, "API keys of portals, in the configuration file")
    actions = portal.add_subparsers(title="actions", metavar="add|list|revoke", required=True)
    added = command("add", _portal_add, "make a key, print it once, keep its hash", actions)
    added.add_argument("id", metavar="ID", help="the portal's id")
    added.add_argument(
        "--scope", action="append", choices=get_args(Scope), help="what the key is good for; again for more (all)"
    )
    command("list", _portal_list, "ids and scopes", actions)
    revoked = command("revoke", _portal_revoke, "take a portal out", actions)
    revoked.add_argument("id", metavar="ID", help="the portal's id")
    audit = command("audit", _audit_verify, "the access log")
    actions = audit.add_subparsers(title="actions", metavar="verify|export", required=True)
    for name, run, text in (
        ("verify", _audit_verify, "prove that no row is missing or changed"),
        ("export", _audit_export, "print the rows, a JSON object a line"),
    ):
        action = command(name, run, text, actions)
        action.add_argument("--data", metavar="DIR", help="the folder of the database, as a demo was given it")
        if name == "export":
            action.add_argument("--visit", help="one visit's rows; all where it is not given")
            action.add_argument(
                "--patient", metavar="PERSON", help="the rows of a patient's visits, by the portal's id"
            )
            action.add_argument(
                "--readable", action="store_true", help="for the patient to read: time, unit, what; no other person"
            )
        else:
            action.add_argument("--head", metavar="HEAD", help="a head that an earlier verify told, kept elsewhere")
    webhooks = command("webhooks", _webhooks_replay, "who is told of what happens in visits")
    actions = webhooks.add_subparsers(title="actions", metavar="replay", required=True)
    replayed = command("replay", _webhooks_replay, "deliver events of the last seven days again", actions)
    replayed.add_argument("--data", metavar="DIR", help="the folder of the database, as a demo was given it")
    replayed.add_argument(
        "--endpoint", metavar="ID", help="one endpoint's events; all endpoints' where it is not given"
    )
    replayed.add_argument("--visit", help="one visit's events")
    replayed.add_argument("--since", type=_moment, metavar="TIME", help="what was settled then or later")
    replayed.add_argument("--failed", action="store_true", help="only what was given up")
    return parser


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment
    except ValueError:
        pass
    raise argparse.ArgumentTypeError("must be a date and time with a zone, such as 2026-11-23T08:00:00Z")


def _port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65_535:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 65535")
    return int(value)


if __name__ == "__main__":
    sys.exit(main())
