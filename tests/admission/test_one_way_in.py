"""Only one function can make anybody admitted. Proved by reading the code, with ways around it that
the reading must find; and by a look at who admits whenever a test runs, which must find ways that no reading does."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sfu.admission import waiting_room

SFU = Path(__file__).parents[2] / "sfu"
WAITING_ROOM = "admission/waiting_room.py"
PARTICIPANT = "rooms/participant.py"
STORE = "visits/rows.py"
MAKERS = frozenset({"admit", "knock", "move", "restored"})
"""The functions that make a place."""
REACHING = frozenset(
    {"getattr", "attrgetter", "methodcaller", "setattr", "__import__", "import_module", "exec", "eval"}
)
"""What calls by a text."""

Modules = Mapping[str, ast.Module]
MODULES: Modules = {str(path.relative_to(SFU)): ast.parse(path.read_text()) for path in sorted(SFU.rglob("*.py"))}


@cache
def scoped(tree: ast.Module) -> list[tuple[str, ast.AST]]:
    """Every node with the dotted name of the function or class that it stands in."""
    nodes: list[tuple[str, ast.AST]] = []
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        scope, node = waiting.pop()
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ""
        children = [(".".join(filter(None, (scope, inner))), child) for child in ast.iter_child_nodes(node)]
        nodes += children
        waiting += children
    return nodes


def walk(tree: ast.Module) -> Iterator[ast.AST]:
    return (node for _, node in scoped(tree))


def name_of(node: ast.AST) -> str:
    """`State.ADMITTED` and `waiting_room.State.ADMITTED` as they are spelt, `` for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return ""


def is_named(node: ast.AST, name: str) -> bool:
    return name_of(node) == name or name_of(node).endswith(f".{name}")


def outside(modules: Modules) -> Iterator[tuple[str, ast.Module]]:
    return ((module, tree) for module, tree in modules.items() if module != WAITING_ROOM)


@cache
def calls_in(tree: ast.Module, function: str) -> list[str]:
    return [scope for scope, node in scoped(tree) if isinstance(node, ast.Call) and is_named(node.func, function)]


def calls_of(modules: Modules, function: str) -> list[tuple[str, str]]:
    """(module, scope) of every call of a function by its name."""
    return [(module, scope) for module, tree in modules.items() for scope in calls_in(tree, function)]


@cache
def uses_in(tree: ast.Module, name: str) -> list[tuple[str, str]]:
    return [
        (scope, name_of(node))
        for scope, node in scoped(tree)
        if (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
    ]


def uses_of(modules: Modules, name: str) -> list[tuple[str, str, str]]:
    """(module, scope, spelling) of every use of a name, called or not, on whatever it stands."""
    return sorted((module, scope, spelt) for module, tree in modules.items() for scope, spelt in uses_in(tree, name))


def check_places_are_made_in_the_waiting_room(modules: Modules) -> None:
    assert sorted(calls_of(modules, "Place")) == [(WAITING_ROOM, maker) for maker in sorted(MAKERS)]


def check_the_makers_go_by_their_own_names(modules: Modules) -> None:
    """What is imported or kept under another name could be called unseen by the other checks."""
    for module, tree in outside(modules):
        look_at_imports(module, tree)
        look_at_the_modules_uses(module, tree)


@cache
def look_at_imports(module: str, tree: ast.Module) -> None:
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] == "waiting_room":
            names = {alias.name for alias in node.names}
            assert not names & (MAKERS | {"*"}), f"{module} imports a maker of places"
            assert not any(name.startswith("_") for name in names), f"{module} imports what is the waiting room's own"
            assert all(alias.asname is None for alias in node.names), f"{module} renames what it imports"
            assert module == PARTICIPANT or "Place" not in names, f"{module} needs no place"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                if alias.name.rpartition(".")[2] == "waiting_room":
                    assert isinstance(node, ast.ImportFrom), f"{module} imports the waiting room by its path"
                    assert alias.asname is None, f"{module} renames the waiting room"


@cache
def look_at_the_modules_uses(module: str, tree: ast.Module) -> None:
    kept = {id(node.value) for node in walk(tree) if isinstance(node, ast.Attribute)}
    called = {id(node.func) for node in walk(tree) if isinstance(node, ast.Call)}
    for node in walk(tree):
        if is_named(node, "waiting_room"):
            assert id(node) in kept, f"{module} hands the waiting room on"
        if isinstance(node, ast.Attribute) and is_named(node.value, "waiting_room"):
            assert node.attr in MAKERS, f"{module} takes {node.attr} by the module"
            assert id(node) in called, f"{module} keeps a maker of places"


def check_nothing_is_called_by_a_text(modules: Modules) -> None:
    for module, tree in outside(modules):
        look_at_texts(module, tree)


@cache
def look_at_texts(module: str, tree: ast.Module) -> None:
    for node in walk(tree):
        if isinstance(node, ast.Call) and name_of(node.func).rpartition(".")[2] in REACHING:
            texts = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            assert not texts & (MAKERS | {"Place", "state", "place"}), module
            assert not any("waiting_room" in text for text in texts if isinstance(text, str)), module


def check_the_admitting_step_of_the_table_is_looked_up_in_one_function(modules: Modules) -> None:
    uses = [scope for scope, node in scoped(modules[WAITING_ROOM]) if is_named(node, "Act.ADMIT")]
    # The table's one row, the one function, and the guard that keeps `move` from doing it.
    assert sorted(uses) == ["", "admit", "move"]
    assert {use for use in uses_of(modules, "ADMIT") if "Act." in use[2] and use[0] != WAITING_ROOM} == set()


def check_the_admitted_state_stands_in_the_table_once_as_an_outcome(modules: Modules) -> None:
    tree = modules[WAITING_ROOM]
    (table,) = [
        node.value.args[0]
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and is_named(node.target, "TRANSITIONS") and isinstance(node.value, ast.Call)
    ]
    assert isinstance(table, ast.Dict)
    assert sum(is_named(value, "State.ADMITTED") for value in table.values) == 1


def check_elsewhere_the_admitted_state_is_only_compared(modules: Modules) -> None:
    for module, tree in outside(modules):
        look_at_the_admitted_state(module, tree)


@cache
def look_at_the_admitted_state(module: str, tree: ast.Module) -> None:
    asked = {
        id(part)
        for node in walk(tree)
        if isinstance(node, ast.Compare | ast.Tuple | ast.MatchValue)
        or (isinstance(node, ast.Call) and is_named(node.func, "in_"))  # a query compares
        for part in ast.walk(node)
    }
    for node in walk(tree):
        if is_named(node, "State.ADMITTED") and not is_named(node, "Standing.ADMITTED"):
            assert id(node) in asked, f"{module}:{getattr(node, 'lineno', 0)} makes something of State.ADMITTED"


def check_a_state_is_read_from_text_by_the_store_only(modules: Modules) -> None:
    assert {module for module, _ in calls_of(modules, "State")} <= {STORE}


def check_nothing_reaches_into_a_place(modules: Modules) -> None:
    for module, tree in modules.items():
        if module.startswith(("admission/", "rooms/")):
            look_at_changes(module, tree)


@cache
def look_at_changes(module: str, tree: ast.Module) -> None:
    for node in walk(tree):
        if isinstance(node, ast.Call) and is_named(node.func, "replace"):
            assert not any(keyword.arg in ("state", "admitted_at", "ground") for keyword in node.keywords), module
            assert not any(is_named(argument, "place") for argument in node.args[:1]), module
        assert not is_named(node, "object.__setattr__"), module


def check_those_who_admit_are_known(modules: Modules) -> None:
    """Every use of the name, whatever it is called on: who gets another name for a draft is found all the same."""
    assert uses_of(modules, "admit") == [
        (WAITING_ROOM, "restored", "admit"),
        ("rooms/admitting.py", "admit", "draft.admit"),
        ("rooms/draft.py", "Draft.admit", "waiting_room.admit"),
        ("rooms/joining.py", "_take_place", "draft.admit"),
        ("rooms/joining.py", "join_by_ticket", "draft.admit"),
        ("rooms/requesting.py", "_granted", "admitting.admit"),
    ]


def check_those_who_restore_are_known(modules: Modules) -> None:
    assert uses_of(modules, "restored") == [
        ("app/homes.py", "Homes._new_home", "Room.restored"),
        ("rooms/room.py", "_restored", "waiting_room.restored"),
    ]


CHECKS = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}

AROUND = {
    "a draft by another name": "def let_in(d, who): d.admit(who, 'own_unit', None)",
    "restored, renamed": "from sfu.admission.waiting_room import restored as back\ndef f(r): return back(r.state, r.at, r.at)",
    "restored, imported": "from sfu.admission.waiting_room import restored\nagain = restored",
    "all of it": "from sfu.admission.waiting_room import *",
    "the function kept": "from sfu.admission import waiting_room\nlet_in = waiting_room.admit",
    "the module renamed": "from sfu.admission import waiting_room as door\ndef f(p): return door.move(p, 'x', None)",
    "the module by its path": "import sfu.admission.waiting_room as door",
    "the module by its path and name": "import sfu.admission.waiting_room",
    "the module handed on": "from sfu.admission import waiting_room\ndoor = waiting_room",
    "from its own package": "from .waiting_room import admit as let_in",
    "a step of the table": "from sfu.admission.waiting_room import _next, Act\nstate = _next",
    "a step of the table by the module": "from sfu.admission import waiting_room\nstate = waiting_room._next('waiting', 'admit')",
    "the step by its name": "from sfu.admission.waiting_room import Act\ndef f(t, s): return t[s, Act.ADMIT]",
    "by a text": "def let_in(draft, who): getattr(draft, 'admit')(who, 'own_unit', None)",
    "the module by a text": "import importlib\ndoor = importlib.import_module('sfu.admission.waiting_room')",
    "a place renamed": "from sfu.admission.waiting_room import Place as P",
    "a place made": "def f(at): return Place(state='admitted', waiting_since=at)",
    "a state from a text": "from sfu.admission.waiting_room import State\nstate = State('admitted')",
    "a state given": "from sfu.admission.waiting_room import State\nstate = State.ADMITTED",
    "a place changed": "def f(p, s): return replace(p.place, state=s)",
    "a place written into": "def f(p, s): object.__setattr__(p.place, 'state', s)",
}


@pytest.mark.parametrize("check", CHECKS)
def test_there_is_one_way_in(check: str) -> None:
    CHECKS[check](MODULES)


@pytest.mark.parametrize("way", AROUND)
@pytest.mark.parametrize("module", ["rooms/around.py", "admission/around.py"])
def test_a_way_around_it_is_found(module: str, way: str) -> None:
    modules = {**MODULES, module: ast.parse(AROUND[way])}
    found = []
    for name, check in CHECKS.items():
        try:
            check(modules)
        except AssertionError:
            found.append(name)
    assert found


PLACE = waiting_room.knock(datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
UNREADABLE = {
    "a name made at run time": "def f(room, place, at): return getattr(room, 'ad' + 'mit')(place, 'booked', at)",
    "a place made by its own type": "def f(room, place, at): return type(place)(state=room.State('admitted'), waiting_since=at)",
    "a place changed": "def f(room, place, at):\n from dataclasses import replace as r\n return r(place, state=room.State('admitted'))",
}


@pytest.mark.parametrize("way", UNREADABLE)
def test_a_way_that_no_reading_finds_is_seen_when_it_is_gone(
    nobody_is_admitted_another_way: list[tuple[str, ...]], way: str
) -> None:
    functions: dict[str, Any] = {}
    exec(compile(UNREADABLE[way], str(SFU / "rooms/around.py"), "exec"), functions)
    assert functions["f"](waiting_room, PLACE, PLACE.waiting_since).state is waiting_room.State.ADMITTED
    (found,) = nobody_is_admitted_another_way
    assert found[-1] == "around.f"
    nobody_is_admitted_another_way.clear()


def test_a_test_may_admit_by_the_one_function(nobody_is_admitted_another_way: list[tuple[str, ...]]) -> None:
    assert waiting_room.admit(PLACE, waiting_room.Ground.BOOKED, PLACE.waiting_since).admitted_at is not None
    assert nobody_is_admitted_another_way == []
