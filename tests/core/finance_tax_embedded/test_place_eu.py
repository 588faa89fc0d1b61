"""Place of supply in the European Union, one case per row of the directive."""

import datetime as dt

import pytest
from odoo.addons.finance_tax_embedded.core import engine
from odoo.addons.finance_tax_engine.core.errors import MissingFact, NoRule, NotCovered

from .tax_facts import CENTS, NOW, VAT, address, book, document, party, registration

OSS = registration("oss", "FR")
GOODS, SERVICES, DIGITAL = ({"supply": kind} for kind in ("goods", "services", "digital"))


def detail(buyer, supply=GOODS, *registrations, **kwargs):
    doc = document(buyer=buyer, lines=[("100", supply)], **kwargs)
    answer = engine.determine(doc, book(*registrations), CENTS, NOW)
    (found,) = answer.details
    return found, {item.code: item.args for item in answer.explanation}


def test_domestic_goods_are_taxed_at_home():
    found, why = detail(party("FR", vat=VAT["FR"]))
    assert (found.jurisdiction.code, found.category, found.rate, found.tax) == ("FR", "S", 20, 20)
    assert (why["tax.decided"]["place"], why["tax.decided"]["rate"]) == ("FR", "20")


def test_t7_intra_community_goods_say_why():
    found, why = detail(party("DE", vat=VAT["DE"]))
    assert (found.category, found.tax, found.reason_code) == ("K", 0, "VATEX-EU-IC")
    assert found.legal_reference == "Article 138 of directive 2006/112/EC"
    assert found.jurisdiction.code == "FR"
    assert why["place.buyer_identified"] == {"place": "DE"}


@pytest.mark.parametrize("vat", [None, "DE12", "FR83404833048"])
def test_without_a_plausible_foreign_number_goods_are_taxed_at_home_and_say_why(vat):
    found, why = detail(party("DE", vat=vat))
    assert (found.jurisdiction.code, found.category, found.tax) == ("FR", "S", 20)
    reason = "place.no_vat_number" if vat is None else "place.other_vat_number"
    assert why[reason]["article"] == "138"


def test_a_number_of_a_third_member_state_is_enough():
    assert detail(party("DE", vat=VAT["NL"]))[0].category == "K"


def test_t7_business_services_are_reverse_charged_and_say_why():
    found, _why = detail(party("DE", vat=VAT["DE"]), SERVICES)
    assert (found.category, found.reason_code) == ("AE", "VATEX-EU-AE")
    assert "196" in found.legal_reference


def test_business_services_without_a_number_are_taxed_at_home():
    found, why = detail(party("DE"), SERVICES)
    assert (found.category, found.tax) == ("S", 20)
    assert why["place.no_vat_number"] == {"article": "44", "origin": "FR"}


@pytest.mark.parametrize("supply", [GOODS, DIGITAL])
def test_consumer_sales_below_the_threshold_are_taxed_at_origin(supply):
    found, why = detail(party("DE", business=False), supply)
    assert (found.jurisdiction.code, found.rate) == ("FR", 20)
    assert why["place.below_threshold"]["origin"] == "FR"


@pytest.mark.parametrize("supply", [GOODS, DIGITAL])
@pytest.mark.parametrize("kind", [OSS, registration("vat", "DE")])
def test_consumer_sales_with_oss_or_local_registration_are_taxed_at_destination(supply, kind):
    found, _why = detail(party("DE", business=False), supply, kind)
    assert (found.jurisdiction.code, found.rate) == ("DE", 19)


def test_a_registration_counts_only_while_it_is_valid():
    ended = registration("oss", "FR", valid_to=dt.date(2026, 5, 3))
    assert detail(party("DE", business=False), GOODS, ended)[0].jurisdiction.code == "FR"
    ends_today = registration("oss", "FR", valid_to=dt.date(2026, 5, 4))
    assert detail(party("DE", business=False), GOODS, ends_today)[0].jurisdiction.code == "DE"


def test_ordinary_consumer_services_are_taxed_where_the_seller_is():
    assert detail(party("DE", business=False), SERVICES, OSS)[0].jurisdiction.code == "FR"
    assert detail(party("US", business=False), SERVICES)[0].tax == 20


@pytest.mark.parametrize("business", [True, False])
def test_t7_export_of_goods_says_why(business):
    found, _why = detail(party("US", business=business))
    assert (found.category, found.reason_code, found.tax) == ("G", "VATEX-EU-G", 0)
    assert "146" in found.legal_reference


def test_goods_follow_the_transport_not_the_invoice_address():
    found, _why = detail(party("US"), GOODS, ship_to=address("FR"))
    assert found.category == "S"
    found, _why = detail(party("FR", vat=VAT["FR"]), GOODS, ship_to=address("US"))
    assert found.category == "G"


@pytest.mark.parametrize("postal_code", ["35001", "51001"])
def test_goods_to_areas_outside_the_vat_territory_are_exported(postal_code):
    assert (
        detail(party(address("ES", postal_code=postal_code), vat="ESB12345678"))[0].category == "G"
    )


def test_services_to_a_business_outside_the_union_are_out_of_scope():
    found, _why = detail(party("US"), SERVICES)
    assert (found.category, found.reason_code) == ("O", "VATEX-EU-O")
    assert detail(party("US", business=False), DIGITAL)[0].category == "O"


def test_northern_ireland_is_union_for_goods_only():
    belfast = party(address("GB", postal_code="BT1 1AA"), vat="XI123456789")
    assert detail(belfast)[0].category == "K"
    assert detail(belfast, SERVICES)[0].category == "O"


def test_t4_services_to_an_own_area_outside_the_territory_are_an_error():
    with pytest.raises(NoRule, match="FT001.special_area"):
        detail(party(address("FR", postal_code="97400")), SERVICES)


def test_t4_goods_that_leave_from_outside_the_union_are_an_error():
    with pytest.raises(NotCovered):
        detail(party("DE", vat=VAT["DE"]), GOODS, ship_from=address("CH"))


def test_t4_an_address_without_country_is_an_error():
    with pytest.raises(MissingFact, match="FT003.buyer_country"):
        detail(party(address(None)))


def test_monaco_is_taxed_as_france():
    assert detail(party("MC"))[0].jurisdiction.code == "FR"


def test_t4_a_member_state_without_rules_is_an_error():
    with pytest.raises(NoRule, match="NL"):
        detail(party("NL", business=False), GOODS, OSS)
