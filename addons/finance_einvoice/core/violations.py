"""One breach of an official rule, and the breaches that are found before any rule can run.

The ids of the rules are those of their publishers and are a public contract; the ids below are
ours, for what the published rules do not cover.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .problems import FATAL, WARNING

SEVERITIES = (FATAL, WARNING)

#: Not XML at all, or cut off.
MALFORMED = "XML-MALFORMED"
#: XML that asks the reader to fetch or expand something (document type, entities).
UNSAFE = "XML-UNSAFE"
#: Larger than any invoice has to be.
TOO_LARGE = "XML-SIZE"
#: XML, but of a kind the rule set is not about.
WRONG_DOCUMENT = "XML-DOCUMENT"
#: A value is not of its kind, so that the business rules could not be worked out.
RULES_ABORTED = "XML-RULES"
#: Does not follow the structure of the schema.
STRUCTURE = "XSD"

_LINE = re.compile(r"/(?:cac:)?(?:Invoice|CreditNote)Line\[(\d+)\]")


def line_number(location: str) -> int | None:
    """Return which invoice line a location is in, counted from 1 in the order of the document."""
    found = _LINE.search(location)
    return int(found[1]) if found else None


@dataclass(frozen=True)
class Violation:
    """A rule that is not met: what the publisher says, and what a person can do about it.

    ``field`` is a stable key such as ``buyer.siren`` or ``line.tax``; a regime turns it into a
    record and a field to open. ``location`` is an XPath with the usual UBL prefixes.
    """

    rule: str
    severity: str
    official_text: str
    location: str
    message: str
    field: str
    hint: str

    @property
    def line_number(self) -> int | None:
        """The invoice line it is about, if any."""
        return line_number(self.location)
