"""Checks of JSON objects against a table of fields.

Small on purpose: what the provider interfaces and the control API need, with messages that name
the field. Extra members are allowed, as in JSON Schema, unless the table is closed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .clock import from_text

NAMES = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
}


@dataclass(frozen=True)
class Field:
    kind: type = str
    required: bool = False
    nullable: bool = False
    choices: Sequence[Any] = ()
    max_length: int | None = None
    pattern: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    date_time: bool = False
    items: Field | None = None
    fields: Mapping[str, Field] | None = None
    closed: bool = False

    def problems(self, value: Any, where: str) -> list[str]:
        if value is None and self.nullable:
            return []
        if not is_a(value, self.kind):
            return [f"{where}: must be {NAMES[self.kind]}"]
        found = [f"{where}: {text}" for text in self._faults(value)]
        if self.items:
            for index, item in enumerate(value):
                found += self.items.problems(item, f"{where}[{index}]")
        if self.fields is not None:
            found += object_problems(value, self.fields, where, closed=self.closed)
        return found

    def _faults(self, value: Any) -> list[str]:
        tests = {
            "is not one of " + ", ".join(map(str, self.choices)): (
                self.choices and value not in self.choices
            ),
            f"is longer than {self.max_length}": (
                self.max_length is not None and len(value) > self.max_length
            ),
            "has the wrong format": self.pattern and not re.fullmatch(self.pattern, value),
            f"is below {self.at_least}": self.at_least is not None and value < self.at_least,
            f"is above {self.at_most}": self.at_most is not None and value > self.at_most,
            "is not an RFC 3339 date-time": self.date_time and not is_date_time(value),
        }
        return [text for text, wrong in tests.items() if wrong]


def is_a(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def is_date_time(text: str) -> bool:
    try:
        from_text(text)
    except (ValueError, OverflowError):
        return False
    return True


def object_problems(
    value: Any, fields: Mapping[str, Field], where: str = "body", *, closed: bool = False
) -> list[str]:
    """Every way in which the value does not fit the table of fields."""
    if not isinstance(value, dict):
        return [f"{where}: must be an object"]
    found = []
    for name, field in fields.items():
        if name in value:
            found += field.problems(value[name], f"{where}.{name}")
        elif field.required:
            found.append(f"{where}.{name}: is missing")
    if closed:
        found += [f"{where}.{name}: is not known" for name in value if name not in fields]
    return found
