"""Place of supply for a seller in the United States: nexus, then destination (or origin within
origin states).

Nexus follows South Dakota v. Wayfair (2018): each state taxes only sellers with a physical or
economic presence; the company records its permits as registrations. Sourcing within a state is a
fact of the state, kept on its jurisdiction.
"""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.contract import Address, Statement
from odoo.addons.finance_tax_engine.core.errors import MissingFact, NoRule

from .facts import Jurisdiction
from .supply import PlaceOfSupply, Situation, Verdict, because

COUNTRY = "US"
EXPORT = Verdict(
    category="G",
    reason="Export from the United States, not taxed",
    reason_code="",
    legal_reference="United States Constitution, article I, section 9, clause 5",
    rule="us.export",
)
ABROAD = Verdict(
    category="O",
    reason="Service used outside the United States, not taxed",
    reason_code="",
    legal_reference="Sourcing to the place of use, outside every state",
    rule="us.abroad",
)
NO_NEXUS = Verdict(
    category="O",
    reason="No nexus: the seller has no sales tax permit in this state",
    reason_code="",
    legal_reference="South Dakota v. Wayfair, Inc., 585 U.S. 162 (2018)",
    rule="us.no_nexus",
)


def place(situation: Situation) -> PlaceOfSupply:
    """Return the state (and what lies below it) that taxes the supply, or why none does."""
    target = situation.ship_to if situation.is_goods else situation.buyer.address
    book = situation.book
    if target.country != COUNTRY:
        country = book.country(COUNTRY)
        if country is None:
            raise NoRule("jurisdiction", place=COUNTRY)
        verdict = EXPORT if situation.is_goods else ABROAD
        why = because("delivered_abroad", place=target.country)
        return PlaceOfSupply((country,), (why,), verdict)
    state = _state(situation, target)
    if not book.registered("nexus", state.code, situation.date):
        why = because("no_nexus", place=state.code, date=situation.date)
        return PlaceOfSupply((state,), (why,), NO_NEXUS)
    why = because("nexus", place=state.code)
    origin = situation.ship_from
    if state.origin_sourced and origin.country == COUNTRY and state.covers(origin):
        return _below(situation, origin, why, because("origin_sourced"))
    return _below(situation, target, why)


def _state(situation: Situation, address: Address) -> Jurisdiction:
    """Return the state-level jurisdiction of an address."""
    if not address.region:
        raise MissingFact("delivery_state")
    for item in situation.book.path(address):
        if item.level == "state":
            return item
    raise NoRule("jurisdiction", place=f"{COUNTRY}-{address.region}")


def _below(situation: Situation, address: Address, *why: Statement) -> PlaceOfSupply:
    path = situation.book.path(address)
    return PlaceOfSupply(tuple(item for item in path if item.level != "country"), why)
