"""The VAT territory and the syntax of VAT numbers."""

import pytest
from odoo.addons.finance_tax_embedded.core import eu

from .tax_facts import address


@pytest.mark.parametrize(
    ("number", "state"),
    [
        ("FR83404833048", "FR"),
        ("fr 83 404 833 048", "FR"),
        ("EL123456789", "GR"),
        ("GR123456789", None),
        ("DE12345678", None),
        ("GB123456789", None),
        ("XI123456789", "XI"),
        ("", None),
        (None, None),
    ],
)
def test_a_plausible_number_names_its_state(number, state):
    assert eu.vat_state(number) == state


def test_every_member_state_has_a_format():
    prefixes = {eu.VAT_PREFIX.get(state, state) for state in eu.MEMBER_STATES}
    assert prefixes <= set(eu._VAT_FORMATS)
    assert len(eu.MEMBER_STATES) == 27


@pytest.mark.parametrize(
    ("where", "goods", "state"),
    [
        (address("FR", postal_code="75001"), True, "FR"),
        (address("FR", postal_code="97400"), True, None),
        (address("ES", postal_code="35001"), True, None),
        (address("ES", postal_code="28001"), True, "ES"),
        (address("MC"), True, "FR"),
        (address("GB", postal_code="BT1 1AA"), True, "XI"),
        (address("GB", postal_code="BT1 1AA"), False, None),
        (address("GB", postal_code="EC1A 1BB"), True, None),
        (address("US"), True, None),
    ],
)
def test_the_vat_territory_is_not_the_map(where, goods, state):
    assert eu.state_of(where, goods=goods) == state
