"""Name and address as a registry disclosed them, compared with those of a partner. Pure.

A comparison of words, not of meaning: ``differs`` says that a person should look, since a registry
abbreviates. What is not disclosed is no difference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal, cast

Comparison = Literal["match", "differs", "not_disclosed"]
#: What VIES answers where a member state discloses nothing.
_NOTHING = re.compile(r"[-\s]*")
_WORD = re.compile(r"[^\W_]+")
#: Parts of an address at HMRC, in the order of its document.
_LINES = ("line1", "line2", "line3", "line4", "line5", "postcode", "countryCode")


def disclosed(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return name and address of an answer of VIES or HMRC; empty for what it does not disclose."""
    target: Any = values.get("target")
    if isinstance(target, Mapping):
        found = cast("Mapping[str, Any]", target)
        address: Any = found.get("address")
        parts = cast("Mapping[str, Any]", address if isinstance(address, Mapping) else {})
        lines = [_text(parts.get(name)) for name in _LINES]
        return _text(found.get("name")), "\n".join(filter(None, lines))
    name = _text(values.get("traderName")) or _text(values.get("name"))
    return name, _text(values.get("traderAddress")) or _text(values.get("address"))


def compare(registered: str, own: str) -> Comparison:
    """Return whether every word that the registry disclosed is among those of the partner."""
    words = _words(registered)
    if not words:
        return "not_disclosed"
    return "match" if words <= _words(own) else "differs"


def _text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return "" if _NOTHING.fullmatch(text) else text


def _words(text: str) -> frozenset[str]:
    """Return the words without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return frozenset(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))
