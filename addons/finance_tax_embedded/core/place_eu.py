"""Place of supply for a seller established in the European Union: directive 2006/112/EC, title V.

Goods with transport: articles 32, 33 and 138; export: 146. Services: 44 (business) and 45, 58
(consumer). Small distance sellers: article 59c. The seller's registrations tell whether that
threshold is passed or renounced: a union one-stop-shop registration, or a VAT registration in the
state of destination, means taxation at destination.
"""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.contract import Address, Statement
from odoo.addons.finance_tax_engine.core.errors import NoRule, NotCovered

from . import eu
from .supply import PlaceOfSupply, Situation, Verdict, because

INTRA_COMMUNITY_GOODS = Verdict(
    category="K",
    reason="Intra-Community supply, exempt",
    reason_code="VATEX-EU-IC",
    legal_reference="Article 138 of directive 2006/112/EC",
    rule="eu.intra_community.goods",
)
INTRA_COMMUNITY_SERVICES = Verdict(
    category="AE",
    reason="Reverse charge",
    reason_code="VATEX-EU-AE",
    legal_reference="Articles 44 and 196 of directive 2006/112/EC",
    rule="eu.intra_community.services",
)
EXPORT = Verdict(
    category="G",
    reason="Export of goods outside the European Union, exempt",
    reason_code="VATEX-EU-G",
    legal_reference="Article 146 of directive 2006/112/EC",
    rule="eu.export.goods",
)
OUTSIDE_SCOPE = Verdict(
    category="O",
    reason="Service supplied outside the European Union, not subject to VAT here",
    reason_code="VATEX-EU-O",
    legal_reference="Article 44 of directive 2006/112/EC",
    rule="eu.outside.services",
)
OUTSIDE_SCOPE_DIGITAL = Verdict(
    category="O",
    reason="Digital service to a consumer outside the European Union, not subject to VAT here",
    reason_code="VATEX-EU-O",
    legal_reference="Article 58 of directive 2006/112/EC",
    rule="eu.outside.digital",
)


def place(situation: Situation) -> PlaceOfSupply:
    """Return the place of supply of one situation; the seller's home lies in the VAT territory."""
    return _goods(situation) if situation.is_goods else _services(situation)


def _goods(situation: Situation) -> PlaceOfSupply:
    origin = eu.state_of(situation.ship_from, goods=True)
    destination = eu.state_of(situation.ship_to, goods=True)
    if origin is None:
        raise NotCovered("origin_outside_eu", origin=situation.ship_from.country)
    if destination is None:
        why = because("goods_leave", place=situation.ship_to.country)
        return _home(situation, EXPORT, why)
    if destination == origin:
        return _in(situation, origin, because("goods_stay", place=origin))
    moved = because("goods_move", origin=origin, destination=destination)
    if not situation.buyer.is_business:
        return _distance(situation, origin, destination, moved, "33 (a)")
    number = situation.buyer.identifier("vat")
    issuer = eu.buyer_vat_state(situation.buyer)
    if issuer is None or issuer == origin:
        return _in(situation, origin, moved, _why_not(number, origin, "138"))
    identified = because("buyer_identified", place=issuer)
    return _home(situation, INTRA_COMMUNITY_GOODS, moved, identified, state=origin)


def _services(situation: Situation) -> PlaceOfSupply:
    home = eu.state_of(situation.seller.address, goods=False)
    there = eu.state_of(situation.buyer.address, goods=False)
    country = situation.buyer.address.country
    if there == home:
        return _in(situation, home, because("same_state", place=home))
    if there is None and eu.in_excluded_area(situation.buyer.address) and country == home:
        raise NoRule("special_area", place=home)
    if situation.buyer.is_business:
        return _business_services(situation, home, there)
    if situation.supply == "digital":
        if there is None:
            return _home(
                situation, OUTSIDE_SCOPE_DIGITAL, because("digital_consumer", place=country)
            )
        why = because("digital_consumer", place=there)
        return _distance(situation, home, there, why, "58")
    return _in(situation, home, because("consumer_services"))


def _business_services(situation: Situation, home: str | None, there: str | None) -> PlaceOfSupply:
    if there is None:
        why = because("business_service", place=situation.buyer.address.country)
        return _home(situation, OUTSIDE_SCOPE, why)
    why = because("business_service", place=there)
    number = situation.buyer.identifier("vat")
    if eu.buyer_vat_state(situation.buyer) in {None, home}:
        return _in(situation, home, why, _why_not(number, home, "44"))
    return _home(situation, INTRA_COMMUNITY_SERVICES, why)


def _distance(
    situation: Situation, origin: str | None, destination: str, why: Statement, article: str
) -> PlaceOfSupply:
    """Decide a sale to a consumer in another member state: destination once the threshold is passed or
    renounced.
    """
    book, date = situation.book, situation.date
    local = book.registered("vat", destination, date)
    shop = book.registered("oss", "", date)
    if local:
        how = because("local_registration", place=destination, article=article)
    elif shop:
        how = because("one_stop_shop", place=destination, article=article)
    else:
        how = because("below_threshold", destination=destination, origin=origin, date=date)
        return _in(situation, origin, why, how)
    return _in(situation, destination, why, how)


def _why_not(number: str | None, origin: str | None, article: str) -> Statement:
    if not number:
        return because("no_vat_number", origin=origin, article=article)
    return because("other_vat_number", number=number, origin=origin, article=article)


def _in(situation: Situation, state: str | None, *why: Statement) -> PlaceOfSupply:
    """Return taxation in ``state`` by its rules. Regions with rules of their own are found by the address
    concerned.
    """
    addresses = (situation.ship_to, situation.ship_from, situation.seller.address)
    address = next((a for a in addresses if eu.state_of(a, goods=True) == state), None)
    # Monaco counts as France: look it up as the state, whatever the address says.
    if address is None or address.country != state:
        address = Address(country=state)
    path = situation.book.path(address)
    if not path:
        raise NoRule("jurisdiction", place=state)
    return PlaceOfSupply(path, tuple(why))


def _home(
    situation: Situation, verdict: Verdict, *why: Statement, state: str | None = None
) -> PlaceOfSupply:
    """Return no taxation: reported to the state of departure, which is the seller's unless given."""
    goods = situation.is_goods
    address = situation.ship_from if goods else situation.seller.address
    found = _in(situation, state or eu.state_of(address, goods=goods), *why)
    return PlaceOfSupply(found.path[:1], found.why, verdict)
