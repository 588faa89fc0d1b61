"""Readable text for action ids and for the details of an entry.

Keys and values are stored as technical data; :class:`Terms` decides how a reader sees them.
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


class Terms:
    """How a reader sees keys and values: as they were recorded. Models have terms in the reader's language."""

    def label(self, key: str) -> str | None:
        """Return the label of a key, or None where the reader does not see it."""
        return capital(key)

    def text(self, key: str, value: Any) -> str:
        """Return a single value."""
        if isinstance(value, bool):
            return "yes" if value else "no"
        return str(value)


AS_RECORDED = Terms()


def humanise(identifier: str) -> str:
    """Return the text for an action id without a label: `exchange.sent_again` reads "Exchange: sent again"."""
    topic, _, rest = (identifier or "").partition(".")
    words = rest.replace(".", JOINT).replace("_", " ")
    return f"{capital(topic)}: {words}" if words else capital(topic)


def readable(
    details: Any, label: str = "", terms: Terms = AS_RECORDED, key: str = ""
) -> Iterator[TextLine]:
    """Yield `details` as lines; a change reads "old → new"."""
    if (mapping := _mapping(details)) and not _is_leaf(details):
        for name, item in mapping.items():
            if (inner := terms.label(name)) is None:
                continue
            yield from readable(item, f"{label}{JOINT}{inner}" if label else inner, terms, name)
    elif (items := _items(details)) and any(not _is_leaf(item) for item in items):
        for number, item in enumerate(items, 1):
            yield from readable(item, f"{label} {number}".strip(), terms, key)
    elif details not in ({}, []) or label:
        yield TextLine(label, _text(details, terms, key))


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
    if set(value) == {"id", "login"}:
        return True
    return "id" in value and "name" in value and set(value) <= {"id", "name", "model"}


def _text(value: Any, terms: Terms, key: str) -> str:
    if items := _items(value):
        return ", ".join(_text(item, terms, key) for item in items)
    if mapping := _mapping(value):
        if _is_change(mapping):
            before, after = (_text(mapping[side], terms, key) for side in ("before", "after"))
            return f"{before}{ARROW}{after}"
        if _is_named(mapping):
            return str(mapping.get("name") or mapping.get("login") or mapping["id"])
        lines = readable(mapping, terms=terms)
        return "; ".join(f"{line.label}: {line.text}" for line in lines)
    return NOTHING if value in (None, "", [], {}) else terms.text(key, value)


def capital(identifier: str) -> str:
    """Return the text for a key without a label."""
    words = identifier.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
