"""The modules that a page's script imports, found at start, so that the page can name them all at once.

Left to itself a browser finds a module only when it has read the one that imports it: a round trip for each step of the way.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^(?:import|export)\s[\w$*{},\s]*?\bfrom "(\.{1,2}/[^"]+)";', re.MULTILINE)
"""Static ones alone: what is imported later, by `import(…)`, is not needed for the first view."""


def imported(entry: str, files: Mapping[str, bytes]) -> list[str]:
    """Names of all modules that `entry` needs, each once, in the order in which a browser would find them. A missing one: `KeyError`."""
    found = [entry]
    for name in found:  # it grows meanwhile
        for there in _IMPORT.findall(files[name].decode()):
            module = posixpath.normpath(posixpath.join(posixpath.dirname(name), there))
            if module not in found:
                found.append(module)
    return found[1:]
