"""What tests and benches wait for in a page: functions, and such as give an answer at once.

Playwright evaluates a string that is no function anew each time, which the page's policy forbids from the second time on. And it
takes a promise for true: who waits for what a function gives later, waits for nothing (`tests.e2e.browsers.answers` does).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FUNCTION = re.compile(r"(\([^()]*\)|\w+) =>")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def files() -> list[Path]:
    found = sorted(
        path for part in ("tests", "bench") for path in (ROOT / part).rglob("*.py") if path != Path(__file__)
    )
    return [path for path in found if "wait_for_function" in path.read_text()]


def constant(path: Path, name: str) -> ast.expr:
    """What the name stands for at the top of a module, or in the one it is imported from."""
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return node.value
        if isinstance(node, ast.ImportFrom) and node.module and name in [alias.name for alias in node.names]:
            return constant((ROOT / node.module.replace(".", "/")).with_suffix(".py"), name)
    raise AssertionError(f"{path}: {name} is no constant")


def script(path: Path, node: ast.expr) -> str:
    """The text of a literal; what is put into it stays in braces."""
    if isinstance(node, ast.Name):
        return script(path, constant(path, node.id))
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else ast.unparse(part) for part in node.values)
    assert isinstance(node, ast.Constant), f"{path}:{node.lineno}: a literal or a constant, so that it can be read"
    return str(node.value)


def waits() -> Iterator[tuple[Path, ast.expr]]:
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".wait_for_function"):
                yield path, node.args[0]


def test_what_is_waited_for_in_a_page_is_a_function_that_answers_at_once() -> None:
    found = {f"{path.relative_to(ROOT)}:{node.lineno}": script(path, node).strip() for path, node in waits()}
    assert len(found) > 20
    assert [where for where, text in found.items() if not FUNCTION.match(text)] == []


@pytest.mark.parametrize("text", ["wake === 1", "async () => true", "async (a) => a", "function () { return 1; }"])
def test_anything_else_is_found(text: str) -> None:
    assert FUNCTION.match(text) is None
