"""HTML as values. Text is escaped wherever it comes from; only what `tag` has made is taken as it is."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

VOID = frozenset({"input", "link", "meta", "br"})


class Markup(str):
    """HTML that may stand in a page as it is."""

    __slots__ = ()


Content: TypeAlias = "str | Markup | Iterable[Content] | None"
Attribute: TypeAlias = str | bool | None


def tag(name: str, /, *content: Content, **attributes: Attribute) -> Markup:
    """An element. `class_` and `for_` lose their underscore, others become dashes: `data_testid`, `aria_label`.

    An attribute that is True stands without a value; False and None are left out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(content)}</{name}>")


def joined(content: Content) -> Markup:
    """All of it, one after the other. None is nothing."""
    if content is None:
        return Markup("")
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(content))
    return Markup("".join(joined(each) for each in content))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
