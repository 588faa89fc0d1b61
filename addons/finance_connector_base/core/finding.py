"""One thing that was found wrong or worth knowing, stored as a code and arguments.

A finding is stored as data and rendered in the language of whoever reads it: local checks, breaches
of official
rules and a provider's reasons all use this one type. Codes are public: retired, never reused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ERROR = "error"
WARNING = "warning"
INFO = "info"
SEVERITIES = (ERROR, WARNING, INFO)

#: Longest text of an argument that is kept; a provider decides how much it sends.
MAX_ARGUMENT = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """A coded finding about one document.

    ``args`` are the named arguments of the sentence that belongs to ``code``; where the words are a
    provider's own
    they are ``args["text"]``. ``model``, ``record_id`` and ``field_name`` name the record and field
    to correct.
    ``item`` is what the finding refers to inside the document (an XPath, a provider's path).
    """

    code: str
    severity: str = ERROR
    args: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    record_id: int = 0
    field_name: str = ""
    item: str = ""

    def __post_init__(self) -> None:
        """Reject a severity that no reader would know how to treat."""
        if self.severity not in SEVERITIES:
            raise ValueError(f"unknown severity: {self.severity}")

    @property
    def blocks(self) -> bool:
        """Return whether the document must not go on because of it."""
        return self.severity == ERROR

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON-ready values; arguments are bounded strings."""
        values: dict[str, Any] = {"code": self.code, "severity": self.severity}
        if self.args:
            values["args"] = {key: str(text)[:MAX_ARGUMENT] for key, text in self.args.items()}
        for name in ("model", "record_id", "field_name", "item"):
            if getattr(self, name):
                values[name] = getattr(self, name)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """Return the finding that ``to_json`` stored."""
        known = {name: values[name] for name in cls.__slots__ if name in values}
        return cls(**known)
