"""Small facts the tax core's tests share: documents, parties, a rule book."""

import datetime as dt
from decimal import Decimal

from odoo.addons.finance_connector_base.core import contract
from odoo.addons.finance_tax_embedded.core.facts import (
    Jurisdiction,
    Registration,
    Rule,
    RuleBook,
)
from odoo.addons.finance_tax_engine.core.rounding import Precision

NOW = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.timezone.utc)
DATE = dt.date(2026, 5, 4)
VAT = {"FR": "FR83404833048", "DE": "DE123456788", "NL": "NL123456782B90"}
JURISDICTIONS = (
    Jurisdiction("FR", "France", "FR"),
    Jurisdiction("DE", "Germany", "DE"),
    Jurisdiction("US", "United States", "US", tax_type="sales"),
    Jurisdiction("US-TX", "Texas", "US", "state", "sales", "US", True, "TX"),
    Jurisdiction("US-CA", "California", "US", "state", "sales", "US", False, "CA"),
    Jurisdiction(
        "US-TX-AUSTIN", "Austin", "US", "city", "sales", "US-TX", False, "TX", ("austin",)
    ),
    Jurisdiction(
        "US-TX-DALLAS", "Dallas", "US", "city", "sales", "US-TX", False, "TX", (), ("752",)
    ),
)


def rule(code, rate, **kwargs):
    """A rule with a readable name."""
    name = "/".join([code, *(str(kwargs[k]) for k in sorted(kwargs)), str(rate)])
    kwargs.setdefault("treatment", "taxable")
    return Rule(id=name, name=name, jurisdiction=code, rate=Decimal(str(rate)), **kwargs)


RULES = (
    rule("FR", "20"),
    rule("FR", "5.5", category="books", legal_reference="CGI art. 278-0 bis"),
    rule("DE", "19"),
    rule("US-TX", "6.25", supply="goods"),
    rule("US-CA", "7.25", supply="goods"),
    rule("US-TX-AUSTIN", "2", supply="goods"),
    rule("US-TX-DALLAS", "2", supply="goods"),
)


def book(*registrations, rules=RULES, jurisdictions=JURISDICTIONS):
    """A rule book with these registrations."""
    return RuleBook.of(jurisdictions, rules, registrations)


def registration(kind, jurisdiction, **kwargs):
    """A registration of the seller."""
    return Registration(jurisdiction, kind, **kwargs)


def address(country, region="", city="", postal_code=""):
    """An address in ``country``."""
    return contract.Address(country=country, region=region, city=city, postal_code=postal_code)


def party(where, *, business=True, vat=None, name="Party"):
    """A party at an address or in a country."""
    where = where if isinstance(where, contract.Address) else address(where)
    identifiers = (contract.Identifier(scheme="vat", value=vat),) if vat else ()
    return contract.Party(
        id=name, name=name, is_business=business, address=where, identifiers=identifiers
    )


def line(number, net, **kwargs):
    """A line with net amount ``net``."""
    net = Decimal(str(net))
    return contract.Line(id=str(number), quantity=1, unit_price=net, net_amount=net, **kwargs)


def document(seller="FR", buyer="FR", lines=(("100", {}),), **kwargs):
    """An invoice. ``lines``: (net, line values) pairs."""
    values = {
        "kind": "invoice",
        "id": "1",
        "tax_date": DATE,
        "currency": "EUR",
        "company_currency": "EUR",
        "company_id": "1",
        "seller": seller if isinstance(seller, contract.Party) else party(seller, name="S"),
        "buyer": buyer if isinstance(buyer, contract.Party) else party(buyer, name="B"),
        "lines": tuple(line(i, net, **more) for i, (net, more) in enumerate(lines, 1)),
    }
    return contract.Document(**{**values, **kwargs})


CENTS = Precision()
WHOLE = Precision(method="document")
