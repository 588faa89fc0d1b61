"""T9: what Odoo would refuse anyway is refused before any engine is asked."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import TaxCase
from .fake_engine import FakeEngine


@tagged("post_install", "-at_install")
class TestT9LocalChecks(TaxCase):
    def _stale(self):
        """A draft whose determination would be asked again at posting."""
        move = self._invoice([(self.paper,)])
        move.invoice_line_ids.write({"price_unit": 50.0})
        FakeEngine.calls = 0
        return move

    def test_t9_rights_come_first(self):
        move = self._stale()
        user = new_test_user(
            self.env,
            "reader",
            groups="account.group_account_readonly,finance_connector_base.group_accountant",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        with self.assertRaises(AccessError):
            move.with_user(user)._post()
        self.assertEqual(FakeEngine.calls, 0)

    def test_t9_a_missing_customer_comes_first(self):
        move = self._stale()
        move.write({"partner_id": False})
        FakeEngine.calls = 0
        with self.assertRaises(UserError):
            move.action_post()
        self.assertEqual(FakeEngine.calls, 0)

    def test_t9_an_inactive_currency_comes_first(self):
        pound = self._currency("GBP")
        pound.active = True
        move = self._stale()
        move.write({"currency_id": pound.id})
        move.invoice_line_ids.write({"price_unit": 60.0})
        FakeEngine.calls = 0
        pound.active = False
        with self.assertRaisesRegex(UserError, "GBP is not active"):
            move.action_post()
        self.assertEqual(FakeEngine.calls, 0)

    def test_t9_a_fresh_determination_is_not_asked_again(self):
        move = self._invoice([(self.paper,)])
        self.assertEqual(FakeEngine.calls, 1)
        move.action_post()
        self.assertEqual(FakeEngine.calls, 1)

    def test_the_documents_company_decides_not_the_users(self):
        other = self._company("Elsewhere", "DE", finance_tax_engine="none")
        self.env.user.company_ids |= other
        elsewhere = self.env(
            context={**self.env.context, "allowed_company_ids": [other.id, self.company.id]}
        )
        move = self._invoice([(self.paper,)]).with_env(elsewhere)
        self.assertEqual(move.env.company, other)
        move.invoice_line_ids.write({"price_unit": 50.0})
        move.action_post()
        self.assertEqual((move.amount_tax, FakeEngine.calls), (10.0, 2))
        self.assertEqual(move.invoice_line_ids.tax_ids.company_id, self.company)
