"""The moments at which the chaos harness interrupts a process are named in the code."""

import sys

from odoo.addons.finance_connector_base.core.delivery import boundaries
from odoo.tests import TransactionCase, tagged

from .common import PROJECT


@tagged("post_install", "-at_install")
class TestBoundaries(TransactionCase):
    def test_the_harness_uses_every_moment_that_the_code_names(self):
        sys.path.insert(0, str(PROJECT))
        self.addCleanup(sys.path.remove, str(PROJECT))
        from tools.chaos.boundaries import DISPATCHER

        self.assertEqual(set(DISPATCHER), set(boundaries.NAMES))
