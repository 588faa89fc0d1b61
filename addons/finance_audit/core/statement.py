"""What an entry or a verification states: a code and arguments, so that every reader has it in the own language.

An argument is a text or number that is shown as it is, or one of these:

* ``{"code": …, "args": {…}}``: another statement;
* ``{"model": …}``, ``{"model": …, "field": …}``: the name of a model or of a field;
* ``{"model": …, "field": …, "value": …}``: the label of a selection's value;
* ``{"model": …, "id": …, "field": …, "name": …}``: a record whose name is translated; shown by its translation while it still has
  that name;
* ``{"date": "2026-11-25"}``: a date;
* a list of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class Coded(Protocol):
    """What can be stated: a :class:`Statement`, or another type with a code and arguments."""

    @property
    def code(self) -> str: ...

    @property
    def args(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Statement:
    """The code of a sentence and its named arguments. Codes are public: retired, never reused."""

    code: str
    args: Mapping[str, Any] = field(default_factory=dict[str, Any])


def named(record: Any, field: str = "name") -> dict[str, Any]:
    """Return a record whose name is translated, as an argument: with its name in the source language."""
    name = record.with_context(lang="en_US")[field]
    return {"model": record._name, "id": record.id, "field": field, "name": name}


def stored(statement: Coded) -> dict[str, Any]:
    """Return a statement as it is stored, and as it is given as an argument of another."""
    return {"code": statement.code, "args": dict(statement.args)}
