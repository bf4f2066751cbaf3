"""The only log set-up: one JSON object a line, or colours on a terminal. What identifies a person does not get through.

Values are redacted by type (`sfu.redact.Redacted` prints as `***`); a last processor blanks what looks like an address, a
token, a personal identity number or SDP, wherever it stands. Exceptions are told by type and place, never by their text,
which may quote input.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

PRIVATE = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"  # IPv4; a sentence may end after it
    r"|(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}[0-9A-Fa-f:]{0,39}(?:%\w+)?(?![\w:])"  # IPv6
    r"|::[0-9A-Fa-f]{1,4}\b"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"  # JWS
    r"|\b(?:19|20)?\d{6}[-+]?\d{4}\b"  # personal identity number
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"  # mail address
    r"|v=0\r?\n[\s\S]*"  # SDP
    r"|(?:ticket|key|resume)=[\w.~-]+"  # secrets of a link's fragment
    r"|\bv_\w+\.p_\w+\.\w+"  # resume token
)
"""What no log line may hold. The tests run the same pattern over everything that is logged."""

Event = MutableMapping[str, Any]


def configure(*, level: str = "info", form: str = "auto", stream: TextIO | None = None) -> None:
    """Send our log and that of the libraries to `stream` (standard error by default).

    `level` is a name of the standard library's; `form` is `json`, `console`, or `auto` (console on a terminal).
    """
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    shared = send_through_logging()
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(default=lambda value: "***")
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # aiohttp's access log holds addresses and paths; what we need of it is in the metrics.
    logging.getLogger("aiohttp.access").disabled = True
    # These tell of single packets and of SQL with its values.
    for noisy in ("aioice", "aiortc", "sqlalchemy", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def send_through_logging() -> list[structlog.types.Processor]:
    """Hand our lines to the standard library's loggers, redacted; gives the steps that each of them goes through."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception_by_place,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return shared


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module. Bind `visit` and `participant` to it, the opaque ids, and nothing else of a person."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def tell_exception_by_place(_logger: Any, _method: str, event: Event) -> Event:
    """Replace `exc_info` by the exception's type and where it was raised; the text may quote what somebody sent."""
    told = event.pop("exc_info", None)
    if not told:
        return event
    error = told if isinstance(told, BaseException) else (told[1] if isinstance(told, tuple) else sys.exc_info()[1])
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-6:]
        event["exception"] = type(error).__name__
        event["at"] = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """Blank what looks private in every text of the line."""
    for key, value in event.items():
        # What begins with an underscore is the log's own, and is not printed.
        if key != "timestamp" and not key.startswith("_"):
            event[key] = _blanked(value)
    return event


def _blanked(value: object) -> object:
    """A value as it may be printed: texts without what looks private, and of objects nothing, whatever they print as."""
    match value:
        case str():
            return PRIVATE.sub("***", value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return {str(_blanked(name)): _blanked(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_blanked(inner) for inner in value]
        case _:
            return "***"
