"""The policy of verified VAT numbers: charge, warn, block; a proof is kept with the determination."""

from datetime import timedelta

from odoo import fields
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.query import QueryReply
from odoo.addons.finance_tax_engine.tests.common import TaxCase
from odoo.exceptions import RedirectWarning
from odoo.tests import tagged

NUMBER, PROOF = "DE136695976", "WAPIAAAATEST0001"


@tagged("post_install", "-at_install")
class TestVerifiedNumber(TaxCase):
    engine = "embedded"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.with_context(no_vat_validation=True).vat = "FR83404833048"
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "VIES",
                "company_id": cls.company.id,
                "provider": "vies",
                "environment": "sandbox",
            }
        )

    def confirm(self, code="valid"):
        """Store an answer of the registry about the customer."""
        now = fields.Datetime.now()
        self.reply(QueryReply(now, code=code, proof=PROOF, valid_until=now + timedelta(days=1)))

    def reply(self, reply):
        row = self.env["finance.registry.check"]._row(self.german, self.company)
        state = reply.code or "unknown"
        result = self.env["finance.query.result"]._keep(
            self.connection, "check_number", self.german, NUMBER, state, {}, reply
        )
        row._note(result, reply)

    def unavailable(self):
        """Store that the registry could not be asked."""
        self.reply(QueryReply(fields.Datetime.now(), finding=Finding("query.no_answer")))

    def posted(self, policy):
        self.company.finance_vat_policy = policy
        move = self._invoice([(self.paper, 1, 100.0)], self.german)
        move.action_post()
        return move

    def test_charge_taxes_a_number_that_is_not_verified(self):
        self.assertGreater(self.posted("charge").amount_tax, 0)

    def test_charge_exempts_a_confirmed_number_and_keeps_its_proof(self):
        self.confirm()
        move = self.posted("charge")
        self.assertEqual(move.amount_tax, 0)
        self.assertIn(PROOF, move.finance_tax_determination_id.sudo().request_json)

    def test_block_refuses_a_number_that_is_not_verified(self):
        for prepare in (None, self.unavailable, lambda: self.confirm("invalid")):
            if prepare:
                prepare()
            with self.assertRaises(RedirectWarning):
                self.posted("block")

    def test_block_accepts_a_confirmed_number_while_the_service_is_down(self):
        self.confirm()
        self.unavailable()
        move = self.posted("block")
        self.assertEqual((move.state, move.amount_tax), ("posted", 0))
        self.assertIn(PROOF, move.finance_tax_determination_id.sudo().request_json)

    def test_posting_asks_no_registry_where_an_answer_is_valid(self):
        self.confirm()
        row = self.env["finance.registry.check"]._of(self.german, self.company)
        known = (row.result_id, row.next_at, row.is_requested)
        for policy in ("charge", "warn", "block"):
            self.posted(policy)
        self.env.invalidate_all()
        self.assertEqual((row.result_id, row.next_at, row.is_requested), known)
        asked = self.env["finance.exchange.attempt"].search([("step", "=", "query")])
        self.assertFalse(asked.filtered(lambda item: item.connection_id == self.connection))

    def test_block_does_not_concern_a_domestic_sale(self):
        self.company.finance_vat_policy = "block"
        move = self._invoice([(self.paper, 1, 100.0)], self.customer)
        move.action_post()
        self.assertEqual(move.state, "posted")

    def test_warn_records_the_number_on_the_document(self):
        move = self.posted("warn")
        entries = self.env["finance.audit.entry"].search(
            [("document_model", "=", "account.move"), ("document_id", "=", move.id)]
        )
        self.assertIn("registry.not_verified", entries.mapped("action"))

    def test_no_policy_leaves_the_form_of_the_number_to_decide(self):
        self.assertEqual(self.posted("none").amount_tax, 0)
