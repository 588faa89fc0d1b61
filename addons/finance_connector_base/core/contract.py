"""Canonical finance contract, version 1: one structure for a document, whatever Odoo or a provider does.

Edge models (pydantic) that refuse unknown fields and keep money as :class:`~decimal.Decimal`; in JSON every
amount, rate and quantity is a string, every id is a string, every time is UTC with offset, every date is ISO 8601.
Country codes are ISO 3166-1 alpha-2, regions the part of ISO 3166-2 behind the hyphen, currencies ISO 4217, tax
categories UNTDID 5305 (EN 16931 BT-151), exemption reason codes the VATEX list of CEN/TC 434.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import Decimal
from typing import Annotated, Any, Literal

from odoo.addons.finance_audit.core.canonical import json_bytes
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.json_schema import models_json_schema

CONTRACT_VERSION = "1.0"

#: Money, rates and quantities: exact, never float; a plain (not exponent) string in JSON.
Amount = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    PlainSerializer(lambda value: format(value, "f"), return_type=str, when_used="json"),
]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
TaxType = Literal["vat", "sales"]
#: UNTDID 5305: S standard/reduced, Z zero, E exempt, AE reverse charge, K intra-community, G export, O outside scope.
TaxCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    def to_json_value(self) -> dict[str, Any]:
        """The model as JSON-ready values: amounts as strings, dates in ISO 8601."""
        return self.model_dump(mode="json", exclude_none=True)


class Identifier(_Model):
    """An identifier of a party. ``scheme`` is ``vat`` or an ISO 6523 / EAS code such as ``0002`` (SIREN)."""

    scheme: str
    value: str


class Address(_Model):
    street: str = ""
    city: str = ""
    postal_code: str = ""
    region: str = ""
    country: Country | None = None


class Party(_Model):
    id: str
    name: str
    is_business: bool
    address: Address
    identifiers: tuple[Identifier, ...] = ()

    def identifier(self, scheme: str) -> str | None:
        """The first identifier of ``scheme``, or None."""
        return next((item.value for item in self.identifiers if item.scheme == scheme), None)


#: Identifiers that prove another one of the same party and are no fact of their own.
PROOF_SCHEMES = frozenset({"vat-proof"})


class Line(_Model):
    """One line. ``net_amount`` is after discount, before tax, in document currency, sign of the document kind."""

    id: str
    description: str = ""
    product_code: str = ""
    tax_category: str = "standard"
    supply: Literal["goods", "services", "digital"] = "goods"
    quantity: Amount
    unit_price: Amount
    discount_percent: Amount = Decimal(0)
    net_amount: Amount


class DocumentReference(_Model):
    id: str
    number: str
    issue_date: dt.date | None = None
    tax_date: dt.date | None = None


class Document(_Model):
    """An invoice, credit note or order. Amounts of a credit note are positive, as on the paper."""

    contract_version: Literal["1.0"] = CONTRACT_VERSION
    kind: Literal["invoice", "credit_note", "order"]
    id: str
    number: str = ""
    issue_date: dt.date | None = None
    tax_date: dt.date
    currency: Currency
    company_currency: Currency
    #: Units of document currency for one unit of company currency (Odoo's ``invoice_currency_rate``).
    currency_rate: Amount = Decimal(1)
    company_id: str
    seller: Party
    buyer: Party
    ship_from: Address | None = None
    ship_to: Address | None = None
    lines: tuple[Line, ...]
    original: DocumentReference | None = None


class Jurisdiction(_Model):
    """Who gets the tax. ``code`` is stable and unique: ``FR``, ``US-TX``, ``US-TX-AUSTIN``."""

    code: str
    name: str
    country: Country
    level: Literal["country", "state", "county", "city", "special"]


class TaxDetail(_Model):
    """Tax due on one line to one jurisdiction, in document and in company currency."""

    line_id: str
    jurisdiction: Jurisdiction
    tax_type: TaxType
    category: TaxCategory
    #: Percent: ``20`` is 20 %.
    rate: Amount
    taxable: Amount
    tax: Amount
    taxable_company: Amount
    tax_company: Amount
    rule: str = ""
    reason: str = ""
    reason_code: str = ""
    legal_reference: str = ""


class Statement(_Model):
    """One sentence of an explanation: a code and arguments, rendered in the language of the reader."""

    code: str
    args: dict[str, str] = Field(default_factory=dict)


class TaxAnswer(_Model):
    """What an engine answered for one :class:`Document`; ``fingerprint`` covers everything the engine saw."""

    contract_version: Literal["1.0"] = CONTRACT_VERSION
    engine: str
    engine_version: str
    fingerprint: str
    determined_at: dt.datetime
    currency: Currency
    details: tuple[TaxDetail, ...]
    #: A text is shown as it is: what a remote engine says in its own words.
    explanation: tuple[Statement | str, ...] = ()

    def total_tax(self) -> Decimal:
        """Sum of the tax of all details, document currency."""
        return sum((detail.tax for detail in self.details), Decimal(0))


def canonical_json(value: _Model) -> bytes:
    """RFC 8785 canonical JSON (UTF-8): equal values give equal bytes."""
    return json_bytes(value.to_json_value())


#: The document that was fingerprinted last. Documents never change, and each is asked about several times in a row.
_latest: tuple[Document | None, str] = (None, "")


def fingerprint(document: Document) -> str:
    """SHA-256 (hex) of everything that can change a tax answer.

    The number and the issue date are left out: a draft has neither, and neither decides the tax.
    """
    global _latest  # noqa: PLW0603 (one tuple, replaced as a whole)
    known, digest = _latest
    if known is not document:
        digest = _digest(document)
        _latest = (document, digest)
    return digest


def _digest(document: Document) -> str:
    seen = document.to_json_value()
    for key in ("number", "issue_date"):
        seen.pop(key, None)
    return hashlib.sha256(json_bytes(seen)).hexdigest()


def json_schema() -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of the contract's two messages."""
    refs, schema = models_json_schema(
        [(Document, "serialization"), (TaxAnswer, "serialization")],
        title=f"Finance Connect canonical contract {CONTRACT_VERSION}",
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "oneOf": list(refs.values()),
    }
