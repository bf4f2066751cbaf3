"""Only one function can make anybody admitted. Proved by reading the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SFU = Path(__file__).parents[2] / "sfu"
WAITING_ROOM = "admission/waiting_room.py"
STORE = "visits/rows.py"
MODULES = {str(path.relative_to(SFU)): ast.parse(path.read_text()) for path in sorted(SFU.rglob("*.py"))}


def scoped(node: ast.AST, scope: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node with the dotted name of the function or class that it stands in."""
    for child in ast.iter_child_nodes(node):
        yield scope, child
        inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ""
        yield from scoped(child, ".".join(filter(None, (scope, inner))))


def name_of(node: ast.AST) -> str:
    """`State.ADMITTED` and `waiting_room.State.ADMITTED` as they are spelt, `` for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return ""


def is_named(node: ast.AST, name: str) -> bool:
    return name_of(node) == name or name_of(node).endswith(f".{name}")


CALLS = [
    (module, scope, name_of(node.func))
    for module, tree in MODULES.items()
    for scope, node in scoped(tree)
    if isinstance(node, ast.Call)
]


def calls_of(function: str) -> list[tuple[str, str]]:
    """(module, scope) of every call of a function by its name."""
    return [(module, scope) for module, scope, name in CALLS if name == function or name.endswith(f".{function}")]


def test_a_place_is_made_in_the_waiting_room_only() -> None:
    assert {module for module, _ in calls_of("Place")} == {WAITING_ROOM}


def test_only_the_functions_of_the_waiting_room_make_places() -> None:
    assert sorted(scope for _, scope in calls_of("Place")) == ["admit", "knock", "move", "restored"]


def test_the_admitting_step_of_the_table_is_looked_up_in_one_function() -> None:
    uses = [scope for scope, node in scoped(MODULES[WAITING_ROOM]) if is_named(node, "Act.ADMIT")]
    # The table's one row, the one function, and the guard that keeps `move` from doing it.
    assert sorted(uses) == ["", "admit", "move"]
    elsewhere = [
        module
        for module, tree in MODULES.items()
        if module != WAITING_ROOM and any(is_named(node, "Act.ADMIT") for node in ast.walk(tree))
    ]
    assert elsewhere == []


def test_the_admitted_state_stands_in_the_table_once_as_an_outcome() -> None:
    tree = MODULES[WAITING_ROOM]
    (table,) = [
        node.value.args[0]
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and is_named(node.target, "TRANSITIONS") and isinstance(node.value, ast.Call)
    ]
    assert isinstance(table, ast.Dict)
    assert sum(is_named(value, "State.ADMITTED") for value in table.values) == 1


def test_elsewhere_the_admitted_state_is_only_compared() -> None:
    for module, tree in MODULES.items():
        if module == WAITING_ROOM:
            continue
        asked = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare | ast.Tuple | ast.MatchValue)
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if is_named(node, "State.ADMITTED") and not is_named(node, "Standing.ADMITTED"):
                assert id(node) in asked, f"{module}:{getattr(node, 'lineno', 0)} makes something of State.ADMITTED"


def test_a_state_is_read_from_text_by_the_store_only() -> None:
    assert {module for module, _ in calls_of("State")} <= {STORE}


@pytest.mark.parametrize("package", ["admission", "rooms"])
def test_nothing_reaches_into_a_place(package: str) -> None:
    for module, tree in MODULES.items():
        if module.startswith(f"{package}/"):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and is_named(node.func, "replace"):
                    assert not any(keyword.arg in ("state", "admitted_at", "ground") for keyword in node.keywords)
                    assert not any(is_named(argument, "place") for argument in node.args[:1])
                assert not is_named(node, "object.__setattr__")


def test_those_who_call_it_are_known() -> None:
    assert sorted(calls_of("waiting_room.admit")) == [("rooms/draft.py", "Draft.admit")]
    assert sorted(calls_of("draft.admit")) == [
        ("rooms/admitting.py", "admit"),
        ("rooms/joining.py", "_take_place"),
        ("rooms/joining.py", "join_by_ticket"),
    ]
    bare = [(module, scope) for module, scope in calls_of("admit") if module == WAITING_ROOM]
    assert bare == [(WAITING_ROOM, "restored")]
    assert calls_of("waiting_room.restored") == [("rooms/room.py", "_restored")]
