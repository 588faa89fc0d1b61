"""What a local check found, before anything is rendered: one sentence, one place to mend it."""

from __future__ import annotations

from dataclasses import dataclass

FATAL = "fatal"
WARNING = "warning"


@dataclass(frozen=True)
class Problem:
    """One thing a person has to change, with the record and field that hold it.

    ``code`` is stable and documented; ``model``, ``record_id`` and ``field`` name what to open.
    """

    code: str
    message: str
    hint: str
    model: str
    record_id: int
    field: str
    severity: str = FATAL
