"""Which territory's rules of place of supply apply: by where the seller is."""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.contract import Address

from . import eu, place_eu, place_us
from .errors import MissingFact, NoRule, NotCovered
from .supply import PlaceOfSupply, Situation


def place(situation: Situation) -> PlaceOfSupply:
    """The place of supply, or a typed error; never a silent zero."""
    for label, address in (
        ("seller's address", situation.seller.address),
        ("buyer's address", situation.buyer.address),
        ("delivery address", situation.ship_to),
        ("shipping address", situation.ship_from),
    ):
        _require_country(label, address)
    if situation.seller.address.country == place_us.COUNTRY:
        return place_us.place(situation)
    if eu.state_of(situation.seller.address, goods=True):
        return place_eu.place(situation)
    return _domestic_only(situation)


def _require_country(label: str, address: Address) -> None:
    if not address.country:
        raise MissingFact(f"The {label} has no country.")


def _domestic_only(situation: Situation) -> PlaceOfSupply:
    """Elsewhere the rule table decides domestic supplies; cross-border ones are not known."""
    home = situation.seller.address.country
    target = situation.ship_to if situation.is_goods else situation.buyer.address
    if target.country != home:
        raise NotCovered(
            f"Supplies from {home} to {target.country} have no rules of place of supply."
        )
    path = situation.book.path(target)
    if not path:
        raise NoRule(f"No tax jurisdiction is recorded for {home}.")
    return PlaceOfSupply(path, (f"Domestic supply in {home}.",))
