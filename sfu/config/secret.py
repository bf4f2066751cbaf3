"""A secret of the configuration: it stands in a file of its own or in the environment, never in the file of settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sfu.errors import ConfigError
from sfu.redact import Redacted

MAX_SECRET_BYTES = 4_096


def read_secret(key: str, file: str, variable: str, environment: Mapping[str, str]) -> Redacted[str]:
    """A secret from its file, or from the environment where `file` is empty. Raises `ConfigError`, which does not quote it."""
    if not file:
        if not environment.get(variable):
            raise ConfigError(f"{key} must name a file, or the environment must hold {variable}")
        return Redacted(environment[variable].strip())
    try:
        text = Path(file).read_bytes()[:MAX_SECRET_BYTES].decode().strip()
    except OSError as error:
        raise ConfigError(f"{key} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{key} is not text") from None
    if not text:
        raise ConfigError(f"{key} is empty")
    return Redacted(text)
