"""What a registry disclosed, compared with the partner: match, differs, not disclosed."""

import pytest
from odoo.addons.finance_registry.core.registered import compare, disclosed

VIES = {"traderName": "SAS MARTEL", "traderAddress": "12 RUE DU PORT\n44000 NANTES"}
HMRC = {
    "target": {
        "name": "Harbour Lights Ltd",
        "address": {"line1": "2 Quay Street", "postcode": "BS1 4DJ", "countryCode": "GB"},
    }
}


def test_both_registries_are_read():
    assert disclosed(VIES) == ("SAS MARTEL", "12 RUE DU PORT\n44000 NANTES")
    assert disclosed({"name": "NV VERMEULEN", "address": "GENT"}) == ("NV VERMEULEN", "GENT")
    assert disclosed(HMRC) == ("Harbour Lights Ltd", "2 Quay Street\nBS1 4DJ\nGB")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"traderName": "---", "traderAddress": " --- "},
        {"target": {"address": "?"}},
        {"name": 5},
    ],
)
def test_what_is_not_disclosed_is_empty(values):
    assert disclosed(values) == ("", "")


@pytest.mark.parametrize(
    ("registered", "own", "found"),
    [
        ("SAS MARTEL", "Martel SAS", "match"),
        ("GENT", "Kouter 1, 9000 Gent", "match"),
        ("44000 NÂNTES", "44000 Nantes", "match"),
        ("44000 NANTES", "44100 Nantes", "differs"),
        ("SAS MARTEL", "Martel", "differs"),
        ("", "Martel", "not_disclosed"),
        ("SAS MARTEL", "", "differs"),
    ],
)
def test_words_are_compared_without_case_accents_and_order(registered, own, found):
    assert compare(registered, own) == found
