"""The command line: `python -m sfu [serve|demo|check|portal|audit]`. Exit codes: 0 well, 1 failed, 2 wrong use."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import uvloop

from sfu import __version__, clock, config, log
from sfu.errors import ConfigError, EvisitError
from sfu.ids import VisitId

WELL, FAILED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    try:
        return int(asked.run(asked))
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
    log.configure(level="warning", form=base.logging.format)
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
        key = carried.portal_key if carried else demo.new_portal_key()
        web_socket = bind_tcp("--port", f"127.0.0.1:{asked.port}")
        settings = demo.configure(base, base_url(web_socket), media_port=asked.media_port, data=data, portal_key=key)
        server = Server(settings, web_socket=web_socket)

        async def tell() -> None:
            told = carried or await demo.book(server.base_url, key, clock.wall())
            demo.keep(data, told)
            as_text = demo.told_as_json if asked.json else demo.told_to_people
            print(as_text(told, server.base_url, server.metrics_url), flush=True)

        return _run(server.serve(started=tell))


def _check(asked: argparse.Namespace) -> int:
    config.load(asked.config)
    print("The configuration is well.")
    return WELL


def _audit_verify(asked: argparse.Namespace) -> int:
    from sfu.visits import audit

    verdict = audit.verify(_database(asked).address)
    if verdict.fault is None:
        print(f"The access log is whole: {verdict.head.number} rows, head {verdict.head.hash.hex()}.")
        return WELL
    where = f" at row {verdict.row}" if verdict.row is not None else ""
    print(f"The access log is not whole: {verdict.fault}{where}.", file=sys.stderr)
    return FAILED


def _audit_export(asked: argparse.Namespace) -> int:
    from sfu.visits import audit

    for line in audit.export(_database(asked).address, clock.wall(), VisitId(asked.visit) if asked.visit else None):
        print(line)
    return WELL


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

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        # Absent unless given, so that it does not hide the one before the command.
        added.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="a configuration")
        added.set_defaults(run=run)
        return added

    command("serve", _serve, "serve (also without a command)")
    demo = command("demo", _demo, "serve on this machine with one booked visit, and print the links to open")
    demo.add_argument("--port", type=_port, default=8080, help="TCP port of the page; 0 takes a free one (8080)")
    demo.add_argument("--media-port", type=_port, default=44444, help="UDP port of media; 0 takes a free one (44444)")
    demo.add_argument("--data", metavar="DIR", help="keep data and keys there, so that a restart carries on")
    demo.add_argument("--json", action="store_true", help="print one JSON line instead of text")
    command("check", _check, "say what is wrong with a configuration, key by key")
    return parser


def _port(value: str) -> int:
    port = int(value)
    if not 0 <= port <= 65_535:
        raise ValueError
    return port


if __name__ == "__main__":
    sys.exit(main())
