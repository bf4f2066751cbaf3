"""What a file of the page names that is needed with it, found at start: modules that are imported, and style sheets.

Left to itself a browser finds a file only when it has read the one that names it: a round trip for each step of the way. So the pages
name all modules at once, and a sheet of sheets is served as one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^(?:import|export)\s[\w$*{},\s]*?\bfrom "(\.{1,2}/[^"]+)";', re.MULTILINE)
"""Static ones alone: what is imported later, by `import(…)`, is not needed for the first view."""
_SHEET = re.compile(r'^@import "(\./[^"]+)";\n', re.MULTILINE)


def imported(entry: str, files: Mapping[str, bytes]) -> list[str]:
    """Names of all modules that `entry` needs, each once, in the order in which a browser would find them. A missing one: `KeyError`."""
    found = [entry]
    for name in found:  # it grows meanwhile
        for there in _IMPORT.findall(files[name].decode()):
            module = _beside(name, there)
            if module not in found:
                found.append(module)
    return found[1:]


def joined(sheet: str, files: Mapping[str, bytes]) -> bytes:
    """A style sheet with those that it imports in their places. A missing one: `KeyError`."""
    return _SHEET.sub(lambda found: joined(_beside(sheet, found[1]), files).decode(), files[sheet].decode()).encode()


def _beside(name: str, there: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), there))
