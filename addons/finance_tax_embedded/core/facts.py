"""The rule book of the embedded engine: jurisdictions, rules and registrations, as immutable values.

The models load them from records; tests write them by hand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from odoo.addons.finance_connector_base.core import contract

Level = Literal["country", "state", "county", "city", "special"]
Treatment = Literal["taxable", "zero", "exempt", "reverse_charge", "outside"]

#: UNTDID 5305 category of each treatment.
CATEGORY: dict[Treatment, contract.TaxCategory] = {
    "taxable": "S",
    "zero": "Z",
    "exempt": "E",
    "reverse_charge": "AE",
    "outside": "O",
}
#: Order of a path, from the country to the smallest authority.
LEVELS: tuple[Level, ...] = ("country", "state", "county", "city", "special")


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """An authority that imposes tax, and the addresses it covers (no filter: the whole parent)."""

    code: str
    name: str
    country: str
    level: Level = "country"
    tax_type: contract.TaxType = "vat"
    parent: str | None = None
    #: Sales within the state are taxed where they ship from, not where they arrive.
    origin_sourced: bool = False
    region: str = ""
    cities: tuple[str, ...] = ()
    postal_prefixes: tuple[str, ...] = ()

    def covers(self, address: contract.Address) -> bool:
        """Return whether ``address`` lies here. City and postal code alternatives; the region must match
        if given.
        """
        if address.country != self.country:
            return False
        if self.region and self.region != address.region.upper():
            return False
        if not (self.cities or self.postal_prefixes):
            return True
        postal_code = address.postal_code.replace(" ", "").upper()
        return address.city.strip().casefold() in self.cities or any(
            postal_code.startswith(prefix) for prefix in self.postal_prefixes
        )

    def to_contract(self) -> contract.Jurisdiction:
        """Return the jurisdiction as the canonical contract has it."""
        return contract.Jurisdiction(
            code=self.code, name=self.name, country=self.country, level=self.level
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """What tax is due in one jurisdiction under some conditions. ``None`` as a condition: any."""

    id: str
    name: str
    jurisdiction: str
    treatment: Treatment
    rate: Decimal = Decimal(0)
    category: str | None = None
    customer: Literal["business", "consumer"] | None = None
    supply: Literal["goods", "services", "digital"] | None = None
    valid_from: dt.date = dt.date.min
    valid_to: dt.date = dt.date.max
    reason: str = ""
    reason_code: str = ""
    legal_reference: str = ""
    source: str = ""
    #: Made for this company: precedes every shared rule.
    own: bool = False

    def conditions(self) -> frozenset[str]:
        """Return the dimensions the rule restricts."""
        names = ("category", "customer", "supply")
        return frozenset(name for name in names if getattr(self, name) is not None)

    def fits(self, *, category: str, customer: str, supply: str, date: dt.date) -> bool:
        """Return whether every condition of the rule holds."""
        return (
            self.category in {None, category}
            and self.customer in {None, customer}
            and self.supply in {None, supply}
            and self.valid_from <= date <= self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Registration:
    """The seller is registered: for VAT in a state, in the union one-stop shop, or with nexus in a
    US state.
    """

    jurisdiction: str
    kind: Literal["vat", "oss", "nexus"]
    number: str = ""
    valid_from: dt.date = dt.date.min
    valid_to: dt.date = dt.date.max

    def holds(self, date: dt.date) -> bool:
        """Return whether the registration is valid on ``date``."""
        return self.valid_from <= date <= self.valid_to


@dataclass(frozen=True)
class RuleBook:
    """Everything one company's determinations depend on, besides the document."""

    jurisdictions: dict[str, Jurisdiction]
    rules: dict[str, tuple[Rule, ...]]
    registrations: tuple[Registration, ...] = ()

    @classmethod
    def of(
        cls,
        jurisdictions: Iterable[Jurisdiction],
        rules: Iterable[Rule],
        registrations: Iterable[Registration] = (),
    ) -> RuleBook:
        """Index plain lists."""
        by_jurisdiction: dict[str, list[Rule]] = {}
        for rule in rules:
            by_jurisdiction.setdefault(rule.jurisdiction, []).append(rule)
        return cls(
            {item.code: item for item in jurisdictions},
            {code: tuple(items) for code, items in by_jurisdiction.items()},
            tuple(registrations),
        )

    def path(self, address: contract.Address) -> tuple[Jurisdiction, ...]:
        """Return the jurisdictions that cover ``address``, country first; a child counts only below its
        covered parent.
        """
        found: dict[str, Jurisdiction] = {}
        for item in sorted(self._of_country(address.country), key=_level):
            if (item.parent is None or item.parent in found) and item.covers(address):
                found[item.code] = item
        return tuple(found.values())

    def country(self, code: str | None) -> Jurisdiction | None:
        """Return the country-level jurisdiction of a country code."""
        return next((j for j in self._of_country(code) if j.level == "country"), None)

    def registered(self, kind: str, jurisdiction: str, date: dt.date) -> Registration | None:
        """Return the seller's registration of ``kind`` in ``jurisdiction`` on ``date``; any jurisdiction
        if empty.
        """
        for item in self.registrations:
            if item.kind == kind and jurisdiction in {"", item.jurisdiction} and item.holds(date):
                return item
        return None

    def _of_country(self, code: str | None) -> Iterator[Jurisdiction]:
        return (item for item in self.jurisdictions.values() if item.country == code)


def _level(item: Jurisdiction) -> int:
    return LEVELS.index(item.level)
