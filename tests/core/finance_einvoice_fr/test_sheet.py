"""E2: a prepared sheet reports what the published one reports, for every document, in the same order."""

import copy

import pytest
from finance_einvoice_en16931.official_cases import (
    FRENCH_EXAMPLES,
    UNIT,
    french_examples,
    unit_cases,
)
from finance_einvoice_en16931.sample_invoice import SAMPLE
from lxml import etree
from odoo.addons.finance_einvoice_en16931.core import schematron
from odoo.addons.finance_einvoice_en16931.core.rule_files import rule_file
from odoo.addons.finance_einvoice_en16931.core.rule_sets import EN16931_UBL
from odoo.addons.finance_einvoice_en16931.core.sheet import context_names, prepare
from odoo.addons.finance_einvoice_fr.core.rule_sets import BR_FR_FLUX2_UBL

pytestmark = pytest.mark.slow

SHEETS = (EN16931_UBL.stylesheet, BR_FR_FLUX2_UBL.stylesheet)
XSL = "{http://www.w3.org/1999/XSL/Transform}"
_UBL = "urn:oasis:names:specification:ubl:schema:xsd"
#: Contexts of rules that a plain invoice does not have; their order is not that of the schema, which is not checked here.
RARE = f"""<more xmlns:cac="{_UBL}:CommonAggregateComponents-2"
    xmlns:cbc="{_UBL}:CommonBasicComponents-2" xmlns:inv="{_UBL}:Invoice-2" xmlns:cn="{_UBL}:CreditNote-2">
  <cbc:TaxPointDate>1999-01-01</cbc:TaxPointDate>
  <cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>@ 1</cbc:ID><cbc:IssueDate>1999-01-01</cbc:IssueDate>
    <cbc:DocumentTypeCode>1</cbc:DocumentTypeCode></cac:InvoiceDocumentReference></cac:BillingReference>
  <cac:AdditionalDocumentReference><cbc:ID schemeID="AFL">é</cbc:ID><cbc:DocumentDescription>?</cbc:DocumentDescription>
  </cac:AdditionalDocumentReference>
  <cac:PayeeParty><cbc:EndpointID schemeID="0225">0 0</cbc:EndpointID>
    <cac:PartyIdentification><cbc:ID schemeID="0224">??</cbc:ID></cac:PartyIdentification>
    <cac:PartyLegalEntity><cbc:CompanyID schemeID="0002">12</cbc:CompanyID></cac:PartyLegalEntity></cac:PayeeParty>
  <cac:PaymentMeans><cbc:PaymentMeansCode>0</cbc:PaymentMeansCode><cac:PaymentMandate><cac:PayerParty>
    <cbc:EndpointID schemeID="0225">_</cbc:EndpointID></cac:PayerParty></cac:PaymentMandate></cac:PaymentMeans>
  <cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator><cbc:Amount currencyID="EUR">1.123</cbc:Amount>
    <cbc:BaseAmount currencyID="EUR">1.123</cbc:BaseAmount><cac:TaxCategory><cbc:ID>E</cbc:ID>
    <cbc:Percent>33.333</cbc:Percent></cac:TaxCategory></cac:AllowanceCharge>
  <cac:Item><cac:AdditionalItemProperty><cbc:NameCode>A</cbc:NameCode></cac:AdditionalItemProperty></cac:Item>
  <cac:InvoiceLine><cbc:ID>2</cbc:ID><cbc:InvoicedQuantity>1.23456</cbc:InvoicedQuantity>
    <cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>x</cbc:ID></cac:InvoiceDocumentReference>
    </cac:BillingReference><cac:DocumentReference><cbc:ID schemeID="AVV">x</cbc:ID></cac:DocumentReference>
    <cac:Item><cac:AdditionalItemProperty><cbc:Name/></cac:AdditionalItemProperty></cac:Item>
    <cac:Price><cac:AllowanceCharge><cbc:BaseAmount>1.1234567</cbc:BaseAmount></cac:AllowanceCharge></cac:Price>
  </cac:InvoiceLine>
  <inv:Invoice><cbc:ID>inner</cbc:ID><inv:Invoice><cbc:IssueDate>1999-01-01</cbc:IssueDate></inv:Invoice></inv:Invoice>
  <cn:CreditNote><cbc:ID>inner</cbc:ID></cn:CreditNote>
</more>"""

_OF_CREDIT_NOTES = (
    (":Invoice-2}Invoice", ":CreditNote-2}CreditNote"),
    ("}InvoiceLine", "}CreditNoteLine"),
    ("}InvoicedQuantity", "}CreditedQuantity"),
)


def documents():
    """Yield invoices and credit notes, each with one element missing, or with another text and other attributes."""
    plain = etree.fromstring(SAMPLE)
    rich = copy.deepcopy(plain)
    rich.extend(etree.fromstring(RARE))
    note = copy.deepcopy(rich)
    for element in note.iter():
        for invoice, credit in _OF_CREDIT_NOTES:
            element.tag = element.tag.replace(invoice, credit)
    yield from (plain, rich, note)
    for number, _element in enumerate(plain.iterdescendants()):
        missing, other = copy.deepcopy(plain), copy.deepcopy(plain)
        gone = list(missing.iterdescendants())[number]
        gone.getparent().remove(gone)
        changed = list(other.iterdescendants())[number]
        changed.text = "?"
        for name in changed.attrib:
            changed.set(name, "?")
        yield from (missing, other)


@pytest.fixture(scope="module")
def published():
    """Return the sheets as they are published, compiled."""
    schematron.loaded(etree.fromstring(SAMPLE))
    compile_sheet = schematron._processor().new_xslt30_processor().compile_stylesheet
    return {
        name: compile_sheet(stylesheet_text=rule_file(name).read_text(encoding="utf-8"))
        for name in SHEETS
    }


def assert_same(published, roots):
    """Fail where a prepared sheet differs; return how many assertions failed in both.

    Values that are not of their kind, which the schema refuses first, are left out: Saxon learns from earlier documents
    whether to evaluate a variable before it is needed, so that the same sheet aborts on them or does not.
    """
    count = 0
    for root in roots:
        document = schematron.loaded(root)
        for name in SHEETS:
            try:
                report = published[name].transform_to_string(xdm_node=document)
                found = schematron.failed_assertions(document, name)
            except (schematron._api_error(), schematron.RulesAborted):
                continue
            assert found == list(schematron._failed(etree.fromstring(report.encode())))
            count += len(found)
    return count


def test_e2_a_prepared_sheet_reports_what_the_published_one_reports(published):
    many = 200
    assert assert_same(published, documents()) > many


@pytest.mark.skipif(not UNIT.is_dir(), reason="the official unit cases are not here")
def test_e2_so_it_does_for_official_unit_cases(published):
    some = sorted({case.document for case in unit_cases()})[::8]
    assert assert_same(published, map(etree.fromstring, some)) > len(some)


@pytest.mark.skipif(
    not FRENCH_EXAMPLES.is_dir(), reason="the official French examples are not here"
)
def test_e2_so_it_does_for_the_official_french_examples(published):
    assert_same(published, (etree.parse(path).getroot() for path in french_examples()))


def test_e10_most_patterns_are_given_their_contexts():
    sheet = etree.parse(str(rule_file(BR_FR_FLUX2_UBL.stylesheet)))
    prepare(sheet)
    selected = [
        call.get("select")
        for call in sheet.iter(f"{XSL}apply-templates")
        if (call.get("select") or "").startswith("/")
    ]
    sought, walks = (
        [item for item in selected if item != "/"],
        [item for item in selected if item == "/"],
    )
    assert len(sought) > 5 * len(walks)


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ("a:x", {"a:x"}),
        ("/a:x | b:y/c:z", {"a:x", "c:z"}),
        ("//a:x[@k = 'a/b|c']", {"a:x"}),
        ("(a:x | b:y)[c:z/d = ')']/e:v[1]", {"e:v"}),
        ("(a:x | b:y/c:z)[d:w]", {"a:x", "c:z"}),
        ("((a:x))", {"a:x"}),
        ("//*[ends-with(name(), 'Amount')]", set()),
        ("a:x | b:*", set()),
        ("a:x/@k", set()),
        ("a:x/text()", set()),
        ("x", set()),
        ("(a:x) except (b:y)", set()),
        ("", set()),
    ],
)
def test_names_of_contexts_are_read_or_left_open(match, names):
    assert context_names(match) == names


@pytest.mark.parametrize(
    "rule",
    [
        '<xsl:if test="position() = 2"/><xsl:apply-templates select="*" mode="M1"/>',
        '<xsl:apply-templates select="*" mode="M1"/><xsl:if test="true()"/>',
        '<xsl:apply-templates select="a:y" mode="M1"/>',
        "<xsl:next-match/>",
    ],
)
def test_a_pattern_that_depends_on_the_walk_keeps_it(rule):
    sheet = etree.fromstring(
        f"""<xsl:stylesheet xmlns:xsl="{XSL[1:-1]}" xmlns:a="urn:a" version="2.0">
        <xsl:template match="/"><xsl:apply-templates select="/" mode="M1"/></xsl:template>
        <xsl:template match="a:x" mode="M1">{rule}</xsl:template>
        <xsl:template match="@*|node()" mode="M1"><xsl:apply-templates select="*" mode="M1"/></xsl:template>
        </xsl:stylesheet>"""
    )
    before = etree.tostring(sheet)
    prepare(sheet)
    assert etree.tostring(sheet) == before
