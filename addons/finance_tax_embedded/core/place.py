"""Which territory's rules of place of supply apply: by where the seller is."""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.contract import Address
from odoo.addons.finance_tax_engine.core.errors import MissingFact, NoRule, NotCovered

from . import eu, place_eu, place_us
from .supply import PlaceOfSupply, Situation, because


def place(situation: Situation) -> PlaceOfSupply:
    """Return the place of supply or raise a typed error; an unknown place is never a zero."""
    for reason, address in (
        ("seller_country", situation.seller.address),
        ("buyer_country", situation.buyer.address),
        ("delivery_country", situation.ship_to),
        ("dispatch_country", situation.ship_from),
    ):
        _require_country(reason, address)
    if situation.seller.address.country == place_us.COUNTRY:
        return place_us.place(situation)
    if eu.state_of(situation.seller.address, goods=True):
        return place_eu.place(situation)
    return _domestic_only(situation)


def _require_country(reason: str, address: Address) -> None:
    if not address.country:
        raise MissingFact(reason)


def _domestic_only(situation: Situation) -> PlaceOfSupply:
    """Decide domestic supplies by the rule table; cross-border ones are not covered elsewhere."""
    home = situation.seller.address.country
    target = situation.ship_to if situation.is_goods else situation.buyer.address
    if target.country != home:
        raise NotCovered("cross_border", origin=home, destination=target.country)
    path = situation.book.path(target)
    if not path:
        raise NoRule("jurisdiction", place=home)
    return PlaceOfSupply(path, (because("domestic", place=home),))
