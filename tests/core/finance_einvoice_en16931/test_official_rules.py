"""E2, E10: the engine decides exactly as the publishers of the rules say it must."""

import pytest
from odoo.addons.finance_connector_base.core.finding import WARNING
from odoo.addons.finance_einvoice_en16931.core.rule_sets import EN16931_UBL
from odoo.addons.finance_einvoice_en16931.core.validation import validate

from tools.dev import specifications

from .official_cases import UNIT, unit_cases

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
        found = [item for item in validate(case.document, [EN16931_UBL]) if item.code == case.rule]
        assert {item.severity for item in found} == {WARNING}


def _fires(case):
    return case.rule in {item.code for item in validate(case.document, [EN16931_UBL])}
