"""`python -m sfu portal add|list|revoke`: the `[[portals]]` of a configuration file.

The file stays the operator's: comments and order are kept. An edit is read back before it is written, and has to give
the old configuration with that one portal more or less, else nothing is written. A running server reads it at its next start.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from sfu import config
from sfu.config import Config, Portal, Scope
from sfu.errors import ConfigError

KEY_BYTES = 32
TABLE = re.compile(r"\s*\[")
PORTAL_TABLE = re.compile(r"\s*\[\[\s*portals\s*\]\]\s*(#.*)?")


def add(path: Path, id_: str, key_hash: str, scopes: Sequence[str] = get_args(Scope)) -> None:
    """Add a portal to the file. Raises `ConfigError` for a bad id or scope, for an id that is taken, and for a file that has faults."""
    before = _read(path)
    if any(portal.id == id_ for portal in before.portals):
        raise ConfigError(f"{path}: there is a portal {json.dumps(id_)} already")
    text = _text(path)
    gap = "" if text.endswith("\n\n") or not text else "\n" if text.endswith("\n") else "\n\n"
    block = (
        f"[[portals]]\nid = {json.dumps(id_)}\nkey_hash = {json.dumps(key_hash)}\nscopes = {json.dumps(list(scopes))}\n"
    )
    changed = text + gap + block
    after, faults = config.parse(changed)
    if after is None:
        raise ConfigError(f"{path}: {faults[0]}")
    if after.portals[:-1] != before.portals or _without_portals(after) != _without_portals(before):
        raise ConfigError(f"{path}: cannot be edited safely; add the table by hand")
    _replace(path, changed)


def revoke(path: Path, id_: str) -> None:
    """Take a portal out of the file. Raises `ConfigError` where it is not there, or another portal shares with it."""
    before = _read(path)
    wanted = [index for index, portal in enumerate(before.portals) if portal.id == id_]
    if not wanted:
        raise ConfigError(f"{path}: there is no portal {json.dumps(id_)}")
    lines = _text(path).splitlines(keepends=True)
    headers = [number for number, line in enumerate(lines) if PORTAL_TABLE.fullmatch(line.rstrip("\r\n"))]
    changed = ""
    if len(headers) == len(before.portals):
        start = headers[wanted[0]]
        tables = (number for number in range(start + 1, len(lines)) if TABLE.match(lines[number]))
        end = next(tables, len(lines))
        # Comments right above the next table belong to it.
        while end > start + 1 and end < len(lines) and lines[end - 1].lstrip().startswith("#"):
            end -= 1
        changed = "".join(lines[:start] + lines[end:])
    after, faults = config.parse(changed)
    if after is None:
        raise ConfigError(f"{path}: {faults[0]}")
    left = tuple(portal for portal in before.portals if portal.id != id_)
    if not headers or after.portals != left or _without_portals(after) != _without_portals(before):
        raise ConfigError(f"{path}: cannot be edited safely; take portal {json.dumps(id_)} out by hand")
    _replace(path, changed)


def listed(path: Path) -> tuple[Portal, ...]:
    """The portals of the file."""
    return _read(path).portals


def new_key() -> str:
    """An API key: 256 random bits, base64url. It is shown once; the file keeps its hash."""
    return secrets.token_urlsafe(KEY_BYTES)


def _read(path: Path) -> Config:
    return config.load(path)


def _text(path: Path) -> str:
    """The file as it is, line ends included."""
    return path.read_bytes().decode("utf-8")


def _without_portals(whole: Config) -> Config:
    return whole.model_copy(update={"portals": ()})


def _replace(path: Path, text: str) -> None:
    """Put `text` in the file's place at once; a crash leaves the one or the other, with the file's mode."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.chmod(path.stat().st_mode & 0o7777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
