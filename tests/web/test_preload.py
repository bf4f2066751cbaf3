from __future__ import annotations

import pytest

from sfu.web.preload import imported, joined

FILES = {
    "js/main.js": b'import { a } from "./a.js";\nimport {\n  b,\n  c,\n} from "./views/b.js";\nexport { d } from "./d.js";\n',
    "js/a.js": b'/** @typedef {import("./never.js").T} T */\nimport { d } from "./d.js";\nconst later = () => import("./later.js");\n',
    "js/views/b.js": b'import { d } from "../d.js";\nimport { main } from "../main.js";\n',
    "js/d.js": b"export const d = 'import { x } from \"./no.js\";';\n",
}


def test_every_module_is_found_once_whoever_imports_it_and_in_circles() -> None:
    assert imported("js/main.js", FILES) == ["js/a.js", "js/views/b.js", "js/d.js"]


def test_a_module_that_is_not_there_is_an_error_at_start() -> None:
    with pytest.raises(KeyError):
        imported("js/main.js", {"js/main.js": FILES["js/main.js"]})


def test_a_sheet_has_those_that_it_imports_in_their_places() -> None:
    files = {
        "css/all.css": b'/* All. */\n\n@import "./one.css";\n@import "./two.css";\n\nb {}\n',
        "css/one.css": b"a {}\n",
        "css/two.css": b'@import "./one.css";\nc {}\n',
    }
    assert joined("css/all.css", files) == b"/* All. */\n\na {}\na {}\nc {}\n\nb {}\n"
    with pytest.raises(KeyError):
        joined("css/all.css", {"css/all.css": files["css/all.css"]})
