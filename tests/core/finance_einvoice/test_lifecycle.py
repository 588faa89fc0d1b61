"""The e-invoice follows its exchange wherever that may go: an owner that could not is told again for ever."""

import pytest
from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_einvoice.core import lifecycle

_MAPPED = lifecycle.STATE_OF_EXCHANGE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (old, new)
        for old, following in states.TRANSITIONS.items()
        for new in sorted(following)
        if old in _MAPPED and new in _MAPPED and _MAPPED[old] != _MAPPED[new]
    ],
)
def test_every_change_of_the_exchange_is_a_change_the_e_invoice_may_make(old, new):
    lifecycle.check_transition(_MAPPED[old], _MAPPED[new])
