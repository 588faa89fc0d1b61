"""E2, E10: the engine decides exactly as the publishers of the rules say it must."""

import pytest
from odoo.addons.finance_einvoice.core.problems import FATAL
from odoo.addons.finance_einvoice.core.validation import (
    EN16931_UBL,
    RULE_SETS,
    validate,
)

from tools.dev import specifications

from .official_cases import FRENCH_EXAMPLES, UNIT, french_examples, unit_cases

ALL_UNIT_CASES = 1133


@pytest.mark.skipif(not UNIT.is_dir(), reason=specifications.missing("EN 16931 unit cases"))
def test_e2_the_engine_agrees_with_every_official_unit_case():
    cases = list(unit_cases())
    disagreements = [
        f"{case.name}: {case.rule} should be {case.expected}"
        for case in cases
        if _fires(case) != (case.expected != "success")
    ]
    assert len(cases) >= ALL_UNIT_CASES
    assert disagreements == []


@pytest.mark.skipif(not UNIT.is_dir(), reason=specifications.missing("EN 16931 unit cases"))
def test_e2_warnings_of_the_publisher_stay_warnings():
    warnings = [case for case in unit_cases() if case.expected == "warning"]
    assert warnings
    for case in warnings:
        found = [item for item in validate(case.document, [EN16931_UBL]) if item.rule == case.rule]
        assert {item.severity for item in found} == {"warning"}


@pytest.mark.skipif(not FRENCH_EXAMPLES.is_dir(), reason=specifications.missing("French examples"))
def test_e2_official_french_examples_have_no_fatal_violation():
    examples = french_examples()
    assert examples
    for path in examples:
        fatal = [item for item in validate(path.read_bytes(), RULE_SETS) if item.severity == FATAL]
        assert fatal == [], path.name


def _fires(case):
    return case.rule in {item.rule for item in validate(case.document, [EN16931_UBL])}
