"""A French company with a connection that delivers nothing, and the people who try to get past the guards."""

from odoo.addons.finance_connector_base.models.finance_posting import suite_write
from odoo.addons.finance_einvoice.core import lifecycle
from odoo.addons.finance_einvoice_fr.tests.common import FrenchCompanyCase
from odoo.service.model import call_kw
from odoo.tests import new_test_user

#: Keys with which Odoo itself switches protections off.
HOSTILE = {
    "skip_readonly_check": True,
    "force_delete": True,
    "dynamic_unlink": True,
    "check_move_validity": False,
    "skip_invoice_sync": True,
    "skip_account_move_synchronization": True,
    "finance_posting_passing": True,
    "finance_suite_write": True,
    "install_mode": True,
    "_force_unlink": True,
    "bypass_lock_check": True,
    "ignore_exchange_rate": True,
    "tracking_disable": True,
    "su": True,
}


class GuardCase(FrenchCompanyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["finance.connection"].search([]).state = "paused"
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "Platform",
                "company_id": cls.company.id,
                "provider": "afnor",
                "environment": "sandbox",
                "base_url": "http://127.0.0.1:9/flow-service",
                "afnor_token_url": "http://127.0.0.1:9/token",
                "afnor_client_id": "client",
            }
        )
        cls.company.write(
            {
                "finance_einvoice_connection_id": cls.connection.id,
                "finance_einvoice_validation": "block",
            }
        )
        cls.accountant = new_test_user(
            cls.env,
            login="guard_accountant",
            groups="account.group_account_manager",
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        # Without a SIREN an invoice to it cannot be submitted.
        cls.incomplete = cls._partner(
            "Scierie Blanc", "FR", street="1 rue Haute", zip="33000", city="Bordeaux"
        )

    def posted(self, state=lifecycle.SUBMITTED, **values):
        """A posted invoice whose e-invoice is in this state."""
        move = self.make_invoice(**values)
        move.action_post()
        suite_write(move.einvoice_id.sudo(), {"state": state})
        return move

    def cases(self, moves, kind):
        """Return the open cases of a kind about documents."""
        return self.env["finance.case"].search(
            [
                ("document_model", "=", "account.move"),
                ("document_id", "in", moves.ids),
                ("kind", "=", kind),
                ("state", "=", "open"),
            ]
        )

    def as_accountant(self, records):
        return records.with_user(self.accountant).with_context(allowed_company_ids=self.company.ids)

    def rpc(self, records, method, *args, context=None, **kwargs):
        """Call a public method as the web client or any other client does."""
        context = {"allowed_company_ids": self.company.ids, **(context or {})}
        model = self.env(user=self.accountant, su=False)[records._name]
        args = [records.ids, *args] if records else list(args)
        return call_kw(model, method, args, {**kwargs, "context": context})

    def run_code(self, code, records):
        """Run a server action's code on records, with all rights."""
        action = self.env["ir.actions.server"].create(
            {
                "name": "Attack",
                "model_id": self.env["ir.model"]._get(records._name).id,
                "state": "code",
                "code": code,
            }
        )
        return action.with_context(
            active_model=records._name, active_id=records[:1].id, active_ids=records.ids
        ).run()
