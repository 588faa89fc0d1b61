"""What the official rules mean to a person: message, field to change, hint. Data in the JSON files.

The ids are the publishers' own (CEN/TC 434 for EN 16931, AFNOR XP Z12-012 for BR-FR), a public
contract. An entry serves the rule of its name, or all rules that begin with it if none is nearer.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent
_PLAIN = ("en16931_document", "en16931_conditions", "ubl", "br_fr")
_VAT = "en16931_vat"


class Entry(NamedTuple):
    """What to tell a person about a rule that is not met."""

    field: str
    message: str
    hint: str


def explain(rule: str, official_text: str) -> Entry:
    """Return the entry of `rule`; without one, the official text as it is."""
    entries = _entries()
    for length in range(len(rule), 0, -1):
        if entry := entries.get(rule[:length]):
            return entry
    return Entry("document", official_text, "")


def is_explained(rule: str) -> bool:
    """Tell whether the catalogue has words of its own for `rule`."""
    return any(rule[:length] in _entries() for length in range(1, len(rule) + 1))


@functools.cache
def _entries() -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for name in _PLAIN:
        found.update({rule: Entry(*words) for rule, words in _load(name).items()})
    vat = _load(_VAT)
    for code, category in vat["categories"].items():
        for number, (field, message, hint) in vat["rules"].items():
            found[f"BR-{code}-{number}"] = Entry(
                field, message.format(category=category), hint.format(category=category)
            )
    found.update({rule: Entry(*words) for rule, words in vat["exact"].items()})
    return found


def _load(name: str) -> dict:
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
