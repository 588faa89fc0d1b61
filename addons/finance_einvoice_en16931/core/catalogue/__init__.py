"""What official rules mean to the accountant: field to correct, message and hint, in several languages.

One folder per rule set and version holds ``en.json`` (with the fields) and one file per further language. The ids are
the publishers' own, a public contract. An entry serves the rule of its name, or all rules that begin with it if none is
nearer; the rules of a VAT category are one entry for all categories.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

SOURCE_LANGUAGE = "en"


class Entry(NamedTuple):
    """Explains a rule that is not met."""

    field: str
    message: str
    hint: str


def entry_of(folder: Path, rule: str, language: str = SOURCE_LANGUAGE) -> Entry | None:
    """Return the nearest entry of `rule` in `folder`; a language that is not there is read in English."""
    entries = entries_of(folder, language)
    for length in range(len(rule), 0, -1):
        if entry := entries.get(rule[:length]):
            return entry
    return None


@functools.cache
def entries_of(folder: Path, language: str) -> Mapping[str, Entry]:
    """Return all entries of a rule set and version; empty where there is no catalogue of it."""
    source = _load(folder, SOURCE_LANGUAGE)
    if not source:
        return {}
    fields = {rule: words[0] for rule, words in _expanded(source).items()}
    texts = {rule: words[1:] for rule, words in _expanded(source).items()}
    if language != SOURCE_LANGUAGE:
        texts |= _expanded(_load(folder, language))
    return {rule: Entry(field, *texts[rule]) for rule, field in fields.items()}


def _expanded(content: Mapping[str, Any]) -> dict[str, list[str]]:
    """Write out the rules that exist once for each VAT category."""
    found = {
        f"BR-{code}-{number}": [text.format(category=category) for text in words]
        for code, category in content.get("categories", {}).items()
        for number, words in content.get("category_rules", {}).items()
    }
    return found | content.get("rules", {})


def _load(folder: Path, language: str) -> dict[str, Any]:
    path = folder / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
