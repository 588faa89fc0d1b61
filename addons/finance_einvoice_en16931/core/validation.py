"""Official validation of a rendered invoice, offline (E2): structure first, then business rules.

`validate` never raises because of the document: what cannot be read is a finding too. The severity of a finding is
ours (error, warning, info); a publisher's "fatal" is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from odoo.addons.finance_connector_base.core.finding import (
    ERROR,
    INFO,
    SEVERITIES,
    WARNING,
    Finding,
)

from . import schema, schematron
from .rule_sets import UBL_SCHEMA, RuleSet
from .xml_input import Element, Unreadable, read

#: XML, but of a kind the rule set is not about.
WRONG_DOCUMENT = "XML-DOCUMENT"
#: A value is not of its kind, so that the business rules could not be evaluated.
RULES_ABORTED = "XML-RULES"
#: Does not follow the structure of the schema.
STRUCTURE = "XSD"
#: Severities of the publishers that are not errors.
_SEVERITIES = {"warning": WARNING, "info": INFO, "information": INFO}


def validate(xml: bytes, rule_sets: Sequence[RuleSet]) -> tuple[Finding, ...]:
    """Check `xml` against official rule sets; errors come first.

    A document that breaks the schema is not checked against the business rules: their findings would only repeat it
    in other terms. A finding has the publisher's text in ``args["text"]``, its XPath in ``item``, and in ``field_name``
    the key of what to correct (see ``core.fields``), which a regime turns into a record and a field.

    :raises ValidationUnavailable: a package is not installed.
    """
    try:
        root = read(xml)
    except Unreadable as error:
        return (_own(error.rule, error.reason, error.location),)
    if root.tag not in schema.SCHEMAS:
        return (_own(WRONG_DOCUMENT, f"The document is a {root.tag}.", "/"),)
    structure = [item for item in rule_sets if not item.stylesheet]
    found = list(_structure(root)) if structure else []
    business = [] if found else [item for item in rule_sets if item.stylesheet]
    document = schematron.loaded(root) if business else None
    for rule_set in business:
        found += _business(document, rule_set)
    return tuple(sorted(found, key=lambda item: SEVERITIES.index(item.severity)))


def _structure(root: Element) -> Iterator[Finding]:
    for text, where in schema.faults(root):
        yield _own(STRUCTURE, text, where)


def _business(document: Any, rule_set: RuleSet) -> Iterator[Finding]:
    try:
        failed = schematron.failed_assertions(document, rule_set.stylesheet)
    except schematron.RulesAborted as error:
        yield _own(RULES_ABORTED, str(error), "/")
        return
    for item in failed:
        severity = _SEVERITIES.get(item.flag, ERROR)
        yield _finding(rule_set, item.rule, severity, item.text, item.location)


def _own(rule: str, text: str, where: str) -> Finding:
    """Return a finding of ours, for what the published rules do not cover."""
    return _finding(UBL_SCHEMA, rule, ERROR, text, where)


def _finding(rule_set: RuleSet, rule: str, severity: str, text: str, where: str) -> Finding:
    entry = rule_set.explain(rule)
    return Finding(
        rule,
        severity,
        {"source": rule_set.code, "version": rule_set.version, "text": text},
        field_name=entry.field if entry else "document",
        item=where,
    )
