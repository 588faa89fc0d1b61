"""The boundaries of the chaos harness are moments of the code as it is: each method is there to be wrapped."""

import importlib
import sys

from odoo.tests import TransactionCase, tagged

from .common import PROJECT


@tagged("post_install", "-at_install")
class TestBoundaries(TransactionCase):
    def test_every_boundary_is_in_the_code(self):
        sys.path.insert(0, str(PROJECT))
        self.addCleanup(sys.path.remove, str(PROJECT))
        from tools.chaos.boundaries import DISPATCHER

        for boundary in DISPATCHER:
            with self.subTest(boundary=boundary.name):
                module, _colon, name = boundary.place.partition(":")
                owner = (
                    getattr(importlib.import_module(module), name)
                    if name
                    else self.env.registry[module]
                )
                self.assertTrue(callable(getattr(owner, boundary.method)))
