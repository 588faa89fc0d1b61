"""Sales tax: nexus, destination and origin states, taxability."""

from decimal import Decimal

import pytest
from odoo.addons.finance_tax_embedded.core import engine
from odoo.addons.finance_tax_engine.core.errors import MissingFact, NoRule, NotCovered

from .tax_facts import CENTS, NOW, RULES, address, book, document, party, registration, rule

NEXUS = registration("nexus", "US-TX")
HOUSTON = party(address("US", "TX", "Houston", "77001"), name="S")


def answer(buyer, *registrations, rules=RULES, supply="goods", seller=HOUSTON, **kwargs):
    doc = document(seller, buyer, lines=[("100", {"supply": supply})], **kwargs)
    return engine.determine(doc, book(*registrations, rules=rules), CENTS, NOW)


def codes(found):
    return {detail.jurisdiction.code: detail.tax for detail in found.details}


def test_with_nexus_the_state_taxes():
    found = answer(party(address("US", "CA", "Fresno")), registration("nexus", "US-CA"))
    assert codes(found) == {"US-CA": 7.25}
    assert found.details[0].tax_type == "sales"


def test_t7_without_nexus_no_tax_and_it_says_so():
    found = answer(party(address("US", "CA", "Fresno")), NEXUS)
    assert codes(found) == {"US-CA": 0}
    assert found.details[0].category == "O"
    assert "No nexus" in found.details[0].reason
    assert [item.code for item in found.explanation] == ["tax.decided", "place.no_nexus"]


def test_state_and_city_each_get_their_share():
    austin = party(address("US", "CA"), name="S")
    buyer = party(address("US", "TX", "Austin"))
    assert codes(answer(buyer, NEXUS, seller=austin)) == {"US-TX": 6.25, "US-TX-AUSTIN": 2}


def test_a_city_is_found_by_postal_code():
    buyer = party(address("US", "TX", "Anywhere", "75201"))
    found = answer(buyer, NEXUS, seller=party(address("US", "CA"), name="S"))
    assert codes(found) == {"US-TX": 6.25, "US-TX-DALLAS": 2}


def test_within_an_origin_state_tax_follows_the_place_of_shipment():
    buyer = party(address("US", "TX", "Austin"))
    assert codes(answer(buyer, NEXUS)) == {"US-TX": 6.25}
    shipped = answer(party(address("US", "TX", "Houston")), NEXUS, ship_from=buyer.address)
    assert codes(shipped) == {"US-TX": 6.25, "US-TX-AUSTIN": 2}


def test_exempt_goods_are_exempt_with_a_reason():
    food = rule(
        "US-TX", "0", category="food", supply="goods", treatment="exempt", reason="Groceries"
    )
    doc = document(
        HOUSTON,
        party(address("US", "TX", "Houston")),
        lines=[("100", {"tax_category": "food"}), ("10", {})],
    )
    found = engine.determine(doc, book(NEXUS, rules=(*RULES, food)), CENTS, NOW)
    assert [(d.category, d.tax) for d in found.details] == [("E", 0), ("S", Decimal("0.63"))]
    assert found.details[0].reason == "Groceries"


def test_t4_services_without_a_rule_are_an_error_and_not_zero():
    with pytest.raises(NoRule, match="services"):
        answer(party(address("US", "TX", "Houston")), NEXUS, supply="services")


@pytest.mark.parametrize(("supply", "category"), [("goods", "G"), ("services", "O")])
def test_exports_from_the_united_states_are_not_taxed(supply, category):
    found = answer(party("FR"), NEXUS, supply=supply)
    assert (found.details[0].category, found.details[0].tax) == (category, 0)


def test_t4_an_address_without_state_is_an_error():
    with pytest.raises(MissingFact, match="FT003.delivery_state"):
        answer(party("US"), NEXUS)


def test_t4_a_territory_without_jurisdiction_is_an_error():
    with pytest.raises(NoRule, match="PR"):
        answer(party(address("US", "PR")), NEXUS)


def test_t4_canada_could_not_be_found_out():
    canada = party("CA", name="S")
    with pytest.raises(NoRule, match="CA"):
        answer(party("CA"), seller=canada)
    with pytest.raises(NotCovered):
        answer(party("FR"), seller=canada)
