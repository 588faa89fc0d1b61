"""Readable text for action ids and for the details of an entry.

The details are shown as they were recorded: keys and values are technical data and are not translated.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

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
    if isinstance(details, Mapping) and details and not _is_leaf(details):
        for key in details:
            inner = _capital(key)
            yield from readable(details[key], f"{label}{JOINT}{inner}" if label else inner)
    elif isinstance(details, list) and any(not _is_leaf(item) for item in details):
        for number, item in enumerate(details, 1):
            yield from readable(item, f"{label} {number}".strip())
    elif details not in ({}, []) or label:
        yield TextLine(label, _text(details))


def _is_leaf(value: Any) -> bool:
    if isinstance(value, Mapping):
        return _is_change(value) or _is_named(value)
    return not isinstance(value, list)


def _is_change(value: Mapping) -> bool:
    return set(value) == {"before", "after"}


def _is_named(value: Mapping) -> bool:
    return "id" in value and "name" in value and set(value) <= {"id", "name", "model"}


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        if _is_change(value):
            return f"{_text(value['before'])}{ARROW}{_text(value['after'])}"
        if _is_named(value):
            return f"{value['name']} ({value['id']})"
        return "; ".join(f"{line.label}: {line.text}" for line in readable(value))
    return str(value)


def _capital(identifier: str) -> str:
    words = identifier.replace("_", " ").strip()
    return words[:1].upper() + words[1:]
