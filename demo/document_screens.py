"""Screens of other apps that the suite adds something to: documents, customers, products, companies."""

from dataclasses import replace

from .companies import COMPANIES, FR
from .demo_users import login
from .invoices import SALES

_SALE = next(sale for sale in SALES if sale.key == "fr-lost-answer")
_INVOICES = "action-account.action_move_out_invoice"
_CREDITS = "action-account.action_move_out_refund_type"


class DocumentScreens:
    """Sample documents for states that the sample run does not leave behind."""

    def __init__(self, stack, sample):
        self._run = sample
        person = login("admin")
        self._admin = stack.rpc(person["login"], person["password"])
        (self._company,) = self._admin.call(
            "res.company", "search", [("name", "=", COMPANIES[FR]["name"])]
        )

    def paths(self):
        """Return (name, role, path below /odoo) of each screen."""
        credit = self._newest("out_refund")
        customer = self._run.call("account.move", "read", [credit], ["partner_id"])[0]
        products = self._run.call("product.template", "search", [], 0, 1)
        return [
            ("credit-note", "accountant", f"{_CREDITS}/{credit}"),
            ("credit-notes", "accountant", _CREDITS),
            ("invoice-findings", "accountant", f"{_INVOICES}/{self._with_findings()}"),
            ("invoice-undetermined", "accountant", f"{_INVOICES}/{self._undetermined()}"),
            ("partner", "accountant", f"res.partner/{customer['partner_id'][0]}"),
            ("product", "accountant", f"product.template/{products[0]}"),
            ("company", "admin", f"res.company/{self._company}"),
        ]

    def _newest(self, kind):
        return self._run.call(
            "account.move", "search", [("move_type", "=", kind)], 0, 1, "id desc"
        )[0]

    def _with_findings(self):
        """Post an invoice although a check has found something, as the policy of its company says."""
        policy = {"finance_einvoice_validation": "warn"}
        self._admin.call("res.company", "write", [self._company], policy)
        customer = self._run.call("account.move", "read", [self._newest("out_invoice")])[0]
        partner = customer["partner_id"][0]
        values = self._run.call("res.partner", "read", [partner], ["city", "zip"])[0]
        self._run.call("res.partner", "write", [partner], {"city": False, "zip": False})
        move = self._run.post(replace(_SALE, description="Order 4720"))
        self._run.call(
            "res.partner", "write", [partner], {"city": values["city"], "zip": values["zip"]}
        )
        policy = {"finance_einvoice_validation": "block"}
        self._admin.call("res.company", "write", [self._company], policy)
        return move

    def _undetermined(self):
        """Create a draft for a customer without a country: no engine can determine its tax."""
        (partner,) = self._run.call("res.partner", "create", [{"name": "Atelier sans adresse"}])
        (product,) = self._run.call("product.product", "search", [], 0, 1)
        line = {"product_id": product, "quantity": 1, "price_unit": 100}
        values = {
            "move_type": "out_invoice",
            "company_id": self._company,
            "partner_id": partner,
            "invoice_line_ids": [(0, 0, line)],
        }
        return self._run.call("account.move", "create", [values])[0]
