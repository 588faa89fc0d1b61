"""The rule sets for UBL documents as data: sheets, version, and the catalogue that explains their rules.

A rule is known by (rule set, version, rule id): a later version may give an id another meaning, as EN 16931:2026 does
with BR-66 and BR-67. Where the catalogue does not have the version, the publisher's own text is shown.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .catalogue import Entry, entry_of
from .rule_files import digest, package_version, rule_file

_CATALOGUE = Path(__file__).parent / "catalogue"
_LINE = re.compile(r"/(?:cac:)?(?:Invoice|CreditNote)Line\[(\d+)\]")
_PUBLISHED = re.compile(r"Schematron version ([\w.-]+)")
_HEAD_CHARACTERS = 1000


class Sheet(NamedTuple):
    """One file of rules a document was checked with, as evidence."""

    rule_set: str
    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class RuleSet:
    """Rules of one publisher in one technology. Without stylesheet it is the structure (XSD)."""

    code: str
    files: tuple[str, ...]
    catalogue: Path
    stylesheet: str = ""

    @property
    def version(self) -> str:
        """Return the version of the installed rules: what they say of themselves, else that of their package."""
        return _version(self)

    def sheets(self) -> tuple[Sheet, ...]:
        """Return the sheets of this rule set with their digests."""
        return tuple(Sheet(self.code, name, self.version, digest(name)) for name in self.files)

    def explain(self, rule: str, language: str = "en", version: str | None = None) -> Entry | None:
        """Return what the catalogue says of a rule, or None: the official text is all there is."""
        return entry_of(self.catalogue / self.code / (version or self.version), rule, language)


@functools.cache
def _version(rule_set: RuleSet) -> str:
    if not rule_set.stylesheet:
        return "2.1"
    with rule_file(rule_set.stylesheet).open(encoding="utf-8") as sheet:
        found = _PUBLISHED.search(sheet.read(_HEAD_CHARACTERS))
    return found[1] if found else package_version()


def stylesheet(code: str, name: str, catalogue: Path) -> RuleSet:
    """Return a rule set that is one compiled Schematron."""
    return RuleSet(code, (name,), catalogue, name)


def line_number(location: str) -> int | None:
    """Return which invoice line a location is in, counted from 1 in the order of the document."""
    found = _LINE.search(location)
    return int(found[1]) if found else None


UBL_SCHEMA = RuleSet(
    "ubl-2.1-xsd",
    ("ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd"),
    _CATALOGUE,
)
EN16931_UBL = stylesheet("en16931-ubl", "ubl-2.1/EN16931-UBL-validation.xslt", _CATALOGUE)
