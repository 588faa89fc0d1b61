"""What an authority reads off a business document: who, what number, which year.

UBL 2.1 invoices and credit notes, UN/CEFACT cross-industry invoices (alone or inside a Factur-X
PDF) and cross-domain acknowledgements. Not a validation: only what identifies the document.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
CEFACT = "urn:un:unece:uncefact:data:standard:"
SYNTAXES = {
    f"{{{UBL}Invoice-2}}Invoice": "UBL",
    f"{{{UBL}CreditNote-2}}CreditNote": "UBL",
    f"{{{CEFACT}CrossIndustryInvoice:100}}CrossIndustryInvoice": "CII",
    f"{{{CEFACT}CrossDomainAcknowledgementAndResponse:100}}"
    "CrossDomainAcknowledgementAndResponse": "CDAR",
}
# UNTDID 1001: codes of credit notes, and of documents the buyer issues for the seller.
CREDIT_NOTES = frozenset(
    ("81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532")
)
SELF_BILLED = frozenset(("261", "389"))

LEGAL_UBL = "{*}PartyLegalEntity/{*}CompanyID"
VAT_UBL = "{*}PartyTaxScheme/{*}CompanyID"
LEGAL_CII = "{*}SpecifiedLegalOrganization/{*}ID"
VAT_CII = "{*}SpecifiedTaxRegistration/{*}ID"
AGREEMENT = "{*}SupplyChainTradeTransaction/{*}ApplicableHeaderTradeAgreement"
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
LARGEST_STREAM = 50_000_000


class Unreadable(Exception):
    """The content is not a document of this kind; the message says why."""


@dataclass(frozen=True)
class Facts:
    """``syntax`` is empty for another root element; a party is its legal id, else its VAT id."""

    syntax: str
    number: str | None = None
    seller: str | None = None
    buyer: str | None = None
    type_code: str | None = None
    year: str | None = None
    issuer_role: str | None = None

    @property
    def kind(self) -> str:
        if self.syntax == "CDAR":
            return "lifecycle"
        if not self.syntax:
            return "other"
        return "credit_note" if self.type_code in CREDIT_NOTES else "invoice"

    @property
    def self_billed(self) -> bool:
        return self.type_code in SELF_BILLED


def read_xml(content: bytes) -> Facts:
    if b"<!DOCTYPE" in content:
        raise Unreadable("a document type declaration is not accepted")
    try:
        root = ET.fromstring(content)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"not well-formed XML: {error}") from error
    syntax = SYNTAXES.get(root.tag, "")
    readers = {"UBL": read_ubl, "CII": read_cii, "CDAR": read_cdar}
    return readers[syntax](root) if syntax else Facts("")


def read_pdf(content: bytes) -> Facts:
    """The facts of the invoice embedded in a Factur-X PDF."""
    if not content.startswith(b"%PDF-"):
        raise Unreadable("not a PDF")
    for stream in streams(content):
        if b"CrossIndustryInvoice" in stream:
            return read_xml(stream)
    raise Unreadable("no cross-industry invoice is embedded in the PDF")


def streams(content: bytes) -> Iterator[bytes]:
    for match in STREAM.finditer(content):
        raw = match.group(1)
        if raw.lstrip().startswith(b"<"):
            yield raw.strip()
            continue
        try:
            yield zlib.decompressobj().decompress(raw, LARGEST_STREAM)
        except zlib.error:
            continue


def read_ubl(root: ET.Element) -> Facts:
    seller = root.find("{*}AccountingSupplierParty/{*}Party")
    buyer = root.find("{*}AccountingCustomerParty/{*}Party")
    code = text(root, "{*}InvoiceTypeCode", "{*}CreditNoteTypeCode")
    ids = (LEGAL_UBL, VAT_UBL, "{*}EndpointID")
    return Facts(
        "UBL",
        number=text(root, "{*}ID"),
        seller=text(seller, *ids),
        buyer=text(buyer, *ids),
        type_code=code or ("381" if root.tag.endswith("}CreditNote") else None),
        year=year_of(text(root, "{*}IssueDate")),
    )


def read_cii(root: ET.Element) -> Facts:
    document = root.find("{*}ExchangedDocument")
    ids = (LEGAL_CII, VAT_CII, "{*}URIUniversalCommunication/{*}URIID", "{*}GlobalID", "{*}ID")
    return Facts(
        "CII",
        number=text(document, "{*}ID"),
        seller=text(root.find(f"{AGREEMENT}/{{*}}SellerTradeParty"), *ids),
        buyer=text(root.find(f"{AGREEMENT}/{{*}}BuyerTradeParty"), *ids),
        type_code=text(document, "{*}TypeCode"),
        year=year_of(text(document, "{*}IssueDateTime/{*}DateTimeString")),
    )


def read_cdar(root: ET.Element) -> Facts:
    document = root.find("{*}ExchangedDocument")
    issuer = "{*}IssuerTradeParty"
    return Facts(
        "CDAR",
        number=text(document, "{*}ID"),
        seller=text(document, f"{issuer}/{{*}}GlobalID"),
        buyer=text(document, "{*}RecipientTradeParty/{*}GlobalID"),
        year=year_of(text(document, "{*}IssueDateTime/{*}DateTimeString")),
        issuer_role=text(document, f"{issuer}/{{*}}RoleCode"),
    )


def text(element: ET.Element | None, *paths: str) -> str | None:
    """The first of the paths that has text."""
    found: Sequence[str | None] = (
        () if element is None else [element.findtext(path) for path in paths]
    )
    return next((value.strip() for value in found if value and value.strip()), None)


def year_of(date: str | None) -> str | None:
    return date[:4] if date else None
