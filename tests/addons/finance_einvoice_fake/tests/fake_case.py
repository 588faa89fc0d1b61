"""A company of the fake regime; the answers of its provider are given by the tests."""

from odoo import fields
from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.fields import Command


class FakeCase(AccountTestInvoicingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.company_data["company"]
        cls.env.user.group_ids |= cls.env.ref("finance_connector_base.group_admin") | cls.env.ref(
            "finance_connector_base.group_operator"
        )
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "Fake authority",
                "company_id": cls.company.id,
                "provider": "fake",
                "environment": "sandbox",
            }
        )
        cls.connection.sudo().state = "active"
        cls.company.write(
            {
                "finance_einvoice_regime": "fake",
                "finance_einvoice_connection_id": cls.connection.id,
                "finance_einvoice_validation": "block",
            }
        )
        cls.partner_a.write({"is_company": True, "street": "1 High Street"})

    def draft(self, **values):
        """A draft that breaks no rule; ``ref`` is what the fake rules ask for."""
        line = {"product_id": self.product_a.id, "price_unit": 100.0, "tax_ids": [Command.clear()]}
        return self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": self.company.id,
                "partner_id": self.partner_a.id,
                "invoice_date": "2026-10-01",
                "ref": "PO-1",
                "invoice_line_ids": [Command.create(line)],
                **values,
            }
        )

    def posted(self, **values):
        move = self.draft(**values)
        move.action_post()
        return move

    def answer(self, move, *states, findings=None, **values):
        """Let the exchange of the e-invoice go through these states, the last with these values."""
        einvoice = move.einvoice_id.sudo()
        exchange = einvoice.exchange_id
        for state in states:
            last = values if state == states[-1] else {}
            final = state in ("accepted", "rejected")
            exchange._transition(
                state, "Test", answered_at=fields.Datetime.now() if final else None, **last
            )
        if findings:
            exchange.findings = findings
        einvoice._exchange_changed(exchange)
        return einvoice

    def file(self, move, reference="R-1"):
        return self.answer(
            move, "sending", "waiting", "accepted", reference=reference, maybe_sent=False
        )

    def reject(self, move, findings=None):
        return self.answer(
            move, "sending", "waiting", "rejected", findings=findings, maybe_sent=False
        )

    def actions(self, move):
        """Actions of e-invoices in the audit log about a document, oldest first."""
        entries = (
            self.env["finance.audit.entry"]
            .sudo()
            .search(
                [("document_model", "=", "account.move"), ("document_id", "=", move.id)], order="id"
            )
        )
        return [action for action in entries.mapped("action") if action.startswith("einvoice.")]
