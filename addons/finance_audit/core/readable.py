"""Readable text for action ids and for the details of an entry.

The details are shown as they were recorded: keys and values are technical data and are not translated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

NOTHING = "–"
ARROW = " → "
JOINT = " › "


class TextLine(NamedTuple):
    """One detail: its path as a label, and its value as text."""

    label: str
    text: str


def humanise(identifier: str) -> str:
    """Return the text for an action id without a label: `exchange.sent_again` reads "Exchange: sent again"."""
    topic, _, rest = (identifier or "").partition(".")
    words = rest.replace(".", JOINT).replace("_", " ")
    return f"{_capital(topic)}: {words}" if words else _capital(topic)


def readable(details: Any, label: str = "") -> Iterator[TextLine]:
    """Yield `details` as lines; a change reads "old → new"."""
    if (mapping := _mapping(details)) and not _is_leaf(details):
        for key, item in mapping.items():
            inner = _capital(key)
            yield from readable(item, f"{label}{JOINT}{inner}" if label else inner)
    elif (items := _items(details)) and any(not _is_leaf(item) for item in items):
        for number, item in enumerate(items, 1):
            yield from readable(item, f"{label} {number}".strip())
    elif details not in ({}, []) or label:
        yield TextLine(label, _text(details))


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def _items(value: Any) -> list[Any] | None:
    return cast("list[Any]", value) if isinstance(value, list) else None


def _is_leaf(value: Any) -> bool:
    if (mapping := _mapping(value)) is not None:
        return _is_change(mapping) or _is_named(mapping)
    return _items(value) is None


def _is_change(value: Mapping[str, Any]) -> bool:
    return set(value) == {"before", "after"}


def _is_named(value: Mapping[str, Any]) -> bool:
    return "id" in value and "name" in value and set(value) <= {"id", "name", "model"}


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if (items := _items(value)) is not None:
        return ", ".join(_text(item) for item in items)
    if (mapping := _mapping(value)) is not None:
        if _is_change(mapping):
            return f"{_text(mapping['before'])}{ARROW}{_text(mapping['after'])}"
        if _is_named(mapping):
            return f"{mapping['name']} ({mapping['id']})"
        return "; ".join(f"{line.label}: {line.text}" for line in readable(mapping))
    return str(value)


def _capital(identifier: str) -> str:
    words = identifier.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
