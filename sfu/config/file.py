"""The file: TOML in, a configuration or every fault out, a line each."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from sfu.config.contradictions import contradictions
from sfu.config.faults import fault
from sfu.config.sections import Config
from sfu.errors import ConfigError


def load(path: str | Path | None = None) -> Config:
    """The configuration in the file at `path`; the defaults where there is none. Raises `ConfigError` for the first fault."""
    if path is None:
        return Config()
    config, faults = read(Path(path))
    if config is None:
        raise ConfigError(faults[0])
    return config


def read(path: Path) -> tuple[Config | None, tuple[str, ...]]:
    """The configuration, or every fault of the file, a line each."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        return None, (f"{path}: cannot be read: {error.strerror}",)
    except UnicodeDecodeError:
        return None, (f"{path}: is not UTF-8",)
    config, faults = parse(text)
    return config, tuple(f"{path}: {fault}" for fault in faults)


def parse(text: str) -> tuple[Config | None, tuple[str, ...]]:
    """The configuration that `text` states, or its faults, a line each, without a file's name."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, (f"is not TOML: {error}",)
    except RecursionError:
        return None, ("is not TOML: nested too deeply",)
    try:
        config = Config.model_validate({key: _as_tuples(value) for key, value in tree.items()})
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return None, tuple(fault(each["loc"], each["type"]) for each in found)
    faults = tuple(contradictions(config))
    return (None, faults) if faults else (config, ())


def _as_tuples(value: object) -> object:
    """TOML's arrays as tuples, so that the tree is frozen all the way down."""
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _as_tuples(item) for key, item in value.items()}
    return value
