"""Small business documents of invented companies: just what an authority reads off them."""

from __future__ import annotations

import itertools
import zlib

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
CEFACT = "urn:un:unece:uncefact:data:standard:"
SELLER, BUYER = "900000001", "900000002"

_numbers = itertools.count(1)


def fresh_number() -> str:
    return f"INV/2026/{next(_numbers):05}"


def ubl(
    number: str | None = None,
    *,
    seller: str = SELLER,
    buyer: str = BUYER,
    code: str = "380",
    date: str = "2026-03-01",
    note: str = "",
    root: str = "Invoice",
) -> bytes:
    number = fresh_number() if number is None else number
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{root} xmlns="{UBL}{root}-2" xmlns:cac="{UBL}CommonAggregateComponents-2"
 xmlns:cbc="{UBL}CommonBasicComponents-2">
 <cbc:ID>{number}</cbc:ID><cbc:IssueDate>{date}</cbc:IssueDate>
 <cbc:{root}TypeCode>{code}</cbc:{root}TypeCode><cbc:Note>{note}</cbc:Note>
 {party("Supplier", seller)}{party("Customer", buyer)}
</{root}>""".encode()


def party(role: str, identifier: str) -> str:
    return (
        f"<cac:Accounting{role}Party><cac:Party><cac:PartyLegalEntity>"
        f"<cbc:CompanyID>{identifier}</cbc:CompanyID>"
        f"</cac:PartyLegalEntity></cac:Party></cac:Accounting{role}Party>"
    )


def cii(
    number: str | None = None, seller: str = SELLER, buyer: str = BUYER, code: str = "380"
) -> bytes:
    number = fresh_number() if number is None else number
    return f"""<rsm:CrossIndustryInvoice xmlns:rsm="{CEFACT}CrossIndustryInvoice:100"
 xmlns:ram="{CEFACT}ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="{CEFACT}UnqualifiedDataType:100">
 <rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>{code}</ram:TypeCode>
  <ram:IssueDateTime><udt:DateTimeString format="102">20260301</udt:DateTimeString>
  </ram:IssueDateTime></rsm:ExchangedDocument>
 <rsm:SupplyChainTradeTransaction><ram:ApplicableHeaderTradeAgreement>
  {trade_party("Seller", seller)}{trade_party("Buyer", buyer)}
 </ram:ApplicableHeaderTradeAgreement></rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>""".encode()


def trade_party(role: str, identifier: str) -> str:
    return (
        f"<ram:{role}TradeParty><ram:SpecifiedLegalOrganization>"
        f"<ram:ID>{identifier}</ram:ID>"
        f"</ram:SpecifiedLegalOrganization></ram:{role}TradeParty>"
    )


def cdar(number: str = "STATUS-1", role: str = "BY") -> bytes:
    kind = "CrossDomainAcknowledgementAndResponse"
    return f"""<rsm:{kind} xmlns:rsm="{CEFACT}{kind}:100"
 xmlns:ram="{CEFACT}ReusableAggregateBusinessInformationEntity:100">
 <rsm:ExchangedDocument><ram:ID>{number}</ram:ID>
  <ram:IssuerTradeParty><ram:GlobalID>{BUYER}</ram:GlobalID><ram:RoleCode>{role}</ram:RoleCode>
  </ram:IssuerTradeParty></rsm:ExchangedDocument>
</rsm:{kind}>""".encode()


def facturx(xml: bytes, compressed: bool = True) -> bytes:
    """Return a PDF in outline: a page stream first, then the embedded invoice."""
    page = zlib.compress(b"BT (Invoice) Tj ET")
    embedded = zlib.compress(xml) if compressed else xml
    head = b"%PDF-1.7\n1 0 obj\n<< /Filter /FlateDecode >>\nstream\n"
    between = b"\nendstream\nendobj\n2 0 obj\n<< /Type /EmbeddedFile >>\nstream\n"
    return head + page + between + embedded + b"\nendstream\nendobj\n%%EOF\n"
