"""What Odoo has postponed to the commit survives the savepoints of posting several documents."""

from contextlib import suppress

from odoo.tests import TransactionCase, tagged

from ..models.finance_posting import _undone_on_failure


@tagged("post_install", "-at_install")
class TestPostingSavepoint(TransactionCase):
    def setUp(self):
        super().setUp()
        self.cr.flush()
        self.ran = []
        self.cr.precommit.add(lambda: self.ran.append("before"))
        self.cr.precommit.data["finance.test"] = {"documents": {1}}

    def test_success_postpones_further(self):
        partner = self.env["res.partner"].create({"name": "Before"})
        with _undone_on_failure(self.cr):
            partner.name = "Inside"
            self.cr.precommit.add(lambda: self.ran.append("inside"))
        self.cr.execute("SELECT name FROM res_partner WHERE id = %s", [partner.id])
        self.assertEqual(self.cr.fetchone(), ("Inside",))
        self.assertEqual(self.ran, [])
        self.cr.precommit.run()
        self.assertEqual(self.ran, ["before", "inside"])

    def test_failure_restores_what_was_postponed(self):
        partner = self.env["res.partner"].create({"name": "Before"})
        # assertRaises of Odoo would open a flushing savepoint of its own.
        with suppress(ZeroDivisionError), _undone_on_failure(self.cr):
            partner.name = "Inside"
            self.cr.precommit.add(lambda: self.ran.append("inside"))
            self.cr.precommit.data["finance.test"]["documents"].add(2)
            raise ZeroDivisionError
        self.assertEqual(partner.name, "Before")
        self.assertEqual(self.cr.precommit.data["finance.test"], {"documents": {1}})
        self.cr.precommit.run()
        self.assertEqual(self.ran, ["before"])
