"""Load tests: complete clients on canned media, cheap enough that a small machine can load a server and measure it."""

from __future__ import annotations

import sys
from pathlib import Path

from sfu.build import PLANE, PYTHON, SourceAlone, settle

# In a copy the clients may be compiled (scripts/compile.py). They know the compiled plane's layout, so they run beside it alone, and only
# while their source is what they were made of.
_package = Path(__file__).parent
if PYTHON in (PLANE, settle(_package, {})[0]):
    sys.meta_path.insert(0, SourceAlone("bench", _package))
