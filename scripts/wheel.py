"""Hatch's hook: a wheel that holds compiled modules is one for this Python and machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Tagged(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if next((Path(self.root) / "sfu").glob("compiled*.sha256"), None) is not None:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
