"""What identifies a business document to an authority: the parties, the number, the year.

UBL 2.1 invoices and credit notes, UN/CEFACT cross-industry invoices (alone or inside a Factur-X
PDF) and cross-domain acknowledgements. Not a validation: only what identifies the document.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
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

PREFIXES = {
    "cac": f"{UBL}CommonAggregateComponents-2",
    "cbc": f"{UBL}CommonBasicComponents-2",
    "rsm": f"{CEFACT}CrossIndustryInvoice:100",
    "ack": f"{CEFACT}CrossDomainAcknowledgementAndResponse:100",
    "ram": f"{CEFACT}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{CEFACT}UnqualifiedDataType:100",
}
Path = tuple[str, ...]


def path(steps: str) -> Path:
    """Return the qualified names of ``prefix:Name/prefix:Name``."""
    pairs = (step.split(":") for step in steps.split("/"))
    return tuple(f"{{{PREFIXES[prefix]}}}{name}" for prefix, name in pairs)


UBL_PARTY = (
    path("cac:PartyLegalEntity/cbc:CompanyID"),
    path("cac:PartyTaxScheme/cbc:CompanyID"),
    path("cbc:EndpointID"),
)
UBL_SELLER = path("cac:AccountingSupplierParty/cac:Party")
UBL_BUYER = path("cac:AccountingCustomerParty/cac:Party")
UBL_TYPES = (path("cbc:InvoiceTypeCode"), path("cbc:CreditNoteTypeCode"))
UBL_NUMBER, UBL_DATE = path("cbc:ID"), path("cbc:IssueDate")
CII_PARTY = (
    path("ram:SpecifiedLegalOrganization/ram:ID"),
    path("ram:SpecifiedTaxRegistration/ram:ID"),
    path("ram:URIUniversalCommunication/ram:URIID"),
)
CII_AGREEMENT = "rsm:SupplyChainTradeTransaction/ram:ApplicableHeaderTradeAgreement"
CII_SELLER = path(f"{CII_AGREEMENT}/ram:SellerTradeParty")
CII_BUYER = path(f"{CII_AGREEMENT}/ram:BuyerTradeParty")
NUMBER, TYPE = path("ram:ID"), path("ram:TypeCode")
DATE = path("ram:IssueDateTime/udt:DateTimeString")
ISSUER = path("ram:IssuerTradeParty/ram:GlobalID")
ISSUER_ROLE = path("ram:IssuerTradeParty/ram:RoleCode")
RECIPIENT = path("ram:RecipientTradeParty/ram:GlobalID")

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
    if b"<!DOCTYPE" in content.replace(b"\0", b""):  # without zeros, UTF-16 reads like ASCII
        raise Unreadable("a document type declaration is not accepted")
    try:
        root = ET.fromstring(content)
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Unreadable(f"not well-formed XML: {error}") from error
    syntax = SYNTAXES.get(root.tag, "")
    readers = {"UBL": read_ubl, "CII": read_cii, "CDAR": read_cdar}
    return readers[syntax](root) if syntax else Facts("")


def read_pdf(content: bytes) -> Facts:
    """Return the facts of the invoice embedded in a Factur-X PDF."""
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
    usual = "381" if root.tag.endswith("}CreditNote") else None
    return Facts(
        "UBL",
        number=text(root, UBL_NUMBER),
        seller=text(walk(root, UBL_SELLER), *UBL_PARTY),
        buyer=text(walk(root, UBL_BUYER), *UBL_PARTY),
        type_code=text(root, *UBL_TYPES) or usual,
        year=year_of(text(root, UBL_DATE)),
    )


def read_cii(root: ET.Element) -> Facts:
    document = walk(root, path("rsm:ExchangedDocument"))
    return Facts(
        "CII",
        number=text(document, NUMBER),
        seller=text(walk(root, CII_SELLER), *CII_PARTY),
        buyer=text(walk(root, CII_BUYER), *CII_PARTY),
        type_code=text(document, TYPE),
        year=year_of(text(document, DATE)),
    )


def read_cdar(root: ET.Element) -> Facts:
    document = walk(root, path("ack:ExchangedDocument"))
    return Facts(
        "CDAR",
        number=text(document, NUMBER),
        seller=text(document, ISSUER),
        buyer=text(document, RECIPIENT),
        year=year_of(text(document, DATE)),
        issuer_role=text(document, ISSUER_ROLE),
    )


def walk(element: ET.Element | None, steps: Path) -> ET.Element | None:
    for step in steps:
        element = None if element is None else element.find(step)
    return element


def text(element: ET.Element | None, *paths: Path) -> str | None:
    """Return the first of the paths that leads to text."""
    for steps in paths:
        found = walk(element, steps)
        if found is not None and found.text and found.text.strip():
            return found.text.strip()
    return None


def year_of(date: str | None) -> str | None:
    return date[:4] if date else None
