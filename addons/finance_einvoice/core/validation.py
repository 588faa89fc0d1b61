"""Official validation of a rendered invoice, offline (E2): structure first, then business rules.

`validate` never raises because of the document: what cannot be read is a violation too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from . import schema, schematron, violations
from .catalogue import explain
from .problems import FATAL, WARNING
from .violations import Violation, line_number
from .xml_input import Unreadable, read

UBL_SCHEMA = "ubl-2.1-xsd"
EN16931_UBL = "en16931-ubl"
BR_FR_FLUX2_UBL = "br-fr-flux2-ubl"

#: Rule sets that are stylesheets -> file below the rule folder of the installed package.
STYLESHEETS = {
    EN16931_UBL: "ubl-2.1/EN16931-UBL-validation.xslt",
    BR_FR_FLUX2_UBL: "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
}
#: Every known rule set, in the order in which they make sense.
RULE_SETS = (UBL_SCHEMA, *STYLESHEETS)


class UnknownRuleSet(ValueError):
    """Not one of `RULE_SETS`."""


def validate(xml: bytes, rule_sets: Sequence[str]) -> tuple[Violation, ...]:
    """Check `xml` against official rule sets; fatal violations come first.

    A document that breaks the schema is not put to the business rules: their answers would only
    repeat it in other words.

    :raises UnknownRuleSet: a name that is none of `RULE_SETS`.
    :raises ValidationUnavailable: a package is not installed.
    """
    unknown = sorted(set(rule_sets) - set(RULE_SETS))
    if unknown:
        raise UnknownRuleSet(f"{unknown}; known are {RULE_SETS}")
    try:
        root = read(xml)
    except Unreadable as error:
        return (_own(error.rule, error.reason, error.location),)
    if root.tag not in schema.SCHEMAS:
        return (_own(violations.WRONG_DOCUMENT, f"The document is a {root.tag}.", "/"),)
    found = list(_structure(root)) if UBL_SCHEMA in rule_sets else []
    for name in () if found else STYLESHEETS:
        if name in rule_sets:
            found += _business(root, name)
    return tuple(sorted(found, key=lambda item: item.severity != FATAL))


def _structure(root: etree._Element) -> Iterator[Violation]:
    for text, where in schema.faults(root):
        yield _own(violations.STRUCTURE, text, where)


def _business(root: etree._Element, name: str) -> Iterator[Violation]:
    try:
        findings = schematron.findings(root, STYLESHEETS[name])
    except schematron.RulesAborted as error:
        yield _own(violations.RULES_ABORTED, str(error), "/")
        return
    for finding in findings:
        severity = WARNING if finding.severity in ("warning", "info") else FATAL
        yield _violation(finding.rule, severity, finding.text, finding.location)


def _own(rule: str, text: str, where: str) -> Violation:
    return _violation(rule, FATAL, text, where)


def _violation(rule: str, severity: str, text: str, where: str) -> Violation:
    entry = explain(rule, text)
    number = line_number(where)
    message = f"Line {number}: {entry.message}" if number else entry.message
    return Violation(rule, severity, text, where, message, entry.field, entry.hint)
