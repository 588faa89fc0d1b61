"""One thing that was found wrong or worth knowing, stored as a code and arguments.

A finding is stored as data and rendered in the language of whoever reads it: local checks, breaches
of official rules and a provider's reasons all use this one type. Codes are public: retired, never
reused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ERROR = "error"
WARNING = "warning"
INFO = "info"
SEVERITIES = (ERROR, WARNING, INFO)

#: Longest text from outside that is kept; a provider decides how much it sends.
MAX_TEXT = 2000
_MAX_NAME = 255
_MAX_ARGS = 20
# Neither PostgreSQL (NUL) nor UTF-8 (half of a surrogate pair) can hold these, other control characters
# deceive logs and terminals, and those of direction or without width deceive readers (UTR 36, UAX 9).
_UNSTORABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)


def storable_text(text: Any, limit: int = MAX_TEXT) -> str:
    """Return a text from outside with what cannot be stored replaced, cut to ``limit`` characters."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "replace")
    try:
        return _UNSTORABLE.sub("\ufffd", str(text)[:limit])
    except (ValueError, RecursionError):
        # An integer of more digits than Python converts, or a structure deeper than it can print.
        return "\ufffd"


@dataclass(frozen=True, slots=True)
class Finding:
    """A coded finding about one document.

    ``args`` are the named arguments of the sentence that belongs to ``code``. ``model``,
    ``record_id`` and ``field_name`` name the record and field to correct. ``item`` is what the
    finding refers to inside the document (an XPath, a provider's path).
    """

    code: str
    severity: str = ERROR
    args: Mapping[str, str] = field(default_factory=dict[str, str])
    model: str = ""
    record_id: int = 0
    field_name: str = ""
    item: str = ""

    def __post_init__(self) -> None:
        """Reject a severity that no reader would know how to treat."""
        if self.severity not in SEVERITIES:
            raise ValueError(f"unknown severity: {self.severity}")

    @classmethod
    def of_provider(
        cls, code: Any, text: Any = "", *, severity: str = ERROR, item: Any = "", hint: Any = ""
    ) -> Finding:
        """Return a reason that a provider gave, in its own words: ``args["text"]``, ``args["hint"]``.

        Whatever the provider sends is made storable here.
        """
        given = {"text": storable_text(text), "hint": storable_text(hint)}
        args = {name: words for name, words in given.items() if words}
        return cls(storable_text(code), severity, args, item=storable_text(item))

    def cleaned(self) -> Finding:
        """Return the same finding with texts that can be stored, as many as a reader can use."""
        args = {
            storable_text(key, _MAX_NAME): storable_text(text)
            for key, text in list(self.args.items())[:_MAX_ARGS]
        }
        return replace(
            self,
            code=storable_text(self.code, _MAX_NAME),
            args=args,
            item=storable_text(self.item),
        )

    @property
    def blocks(self) -> bool:
        """Return whether the document must not go on because of it."""
        return self.severity == ERROR

    @property
    def text(self) -> str:
        """The words of its source, or the code where the source gave none."""
        return self.args.get("text") or self.code

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON-ready values; arguments are bounded strings."""
        values: dict[str, Any] = {"code": self.code, "severity": self.severity}
        if self.args:
            values["args"] = {key: storable_text(text) for key, text in self.args.items()}
        for name in ("model", "record_id", "field_name", "item"):
            if getattr(self, name):
                values[name] = getattr(self, name)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        """Return the finding that ``to_json`` stored, or a provider's reason as release 1 stored it."""
        if "message" in values:
            return cls._from_release_1(values)
        known = {name: values[name] for name in cls.__slots__ if name in values}
        return cls(**known)

    @classmethod
    def _from_release_1(cls, values: Mapping[str, Any]) -> Finding:
        """Read ``code``, ``message``, ``item``, ``hint`` and ``level``."""
        severity = WARNING if values.get("level") == WARNING else ERROR
        return cls.of_provider(
            values["code"],
            values["message"] or "",
            severity=severity,
            item=values.get("item") or "",
            hint=values.get("hint") or "",
        )
