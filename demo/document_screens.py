"""Screens of other apps that the suite adds something to: documents, customers, products, companies."""

from dataclasses import replace

from .companies import COMPANIES, FR
from .demo_users import login
from .invoices import SALES
from .sample_run import INVOICE_DATE
from .screen import Screen

_SALE = next(sale for sale in SALES if sale.key == "fr-lost-answer")
_INVOICES = "action-account.action_move_out_invoice"
_CREDITS = "action-account.action_move_out_refund_type"
_EINVOICES = "action-finance_einvoice.finance_einvoice_action"


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
        """Return each screen."""
        return [*self._documents(), *self._surroundings(), *self._records(), *self._dialogs()]

    def _documents(self):
        """Return invoices and credit notes in states the sample run does not leave behind."""
        moves = self._run.moves
        states = {
            "invoice-findings": self._with_findings(),
            "invoice-route": self._draft(_SALE.description),
            "invoice-withdrawn": self._withdrawn(),
            "invoice-cancelled": self._cancelled(),
            "invoice-fallback": self._fallback(),
            "invoice-undetermined": self._undetermined(),
            "invoice-export": moves["fr-export"],
            "invoice-credited": moves["fr-services"],
        }
        return [
            Screen("credit-note", "accountant", f"{_CREDITS}/{moves['fr-credit']}"),
            Screen("credit-notes", "accountant", _CREDITS),
            *(Screen(name, "accountant", f"{_INVOICES}/{move}") for name, move in states.items()),
            Screen(
                "invoice-mixed",
                "accountant",
                f"{_INVOICES}/{moves['fr-mixed']}",
                tabs=("other_info", "finance_timeline"),
            ),
        ]

    def _surroundings(self):
        """Return what the suite adds to customers, products, taxes and companies."""
        customer = self._run.call("account.move", "read", [self._run.moves["fr-mixed"]])[0]
        partner = customer["partner_id"][0]
        taxes = [("company_id", "=", self._company)]
        tax = self._admin.call("account.tax", "search", taxes, 0, 1, "id desc")[0]
        return [
            Screen("partner", "accountant", f"res.partner/{partner}", tabs=("accounting",)),
            Screen("product", "admin", f"product.template/{self._first('product.template')}"),
            Screen(
                "product-category", "admin", f"product.category/{self._first('product.category')}"
            ),
            Screen("tax", "admin", f"account.tax/{tax}"),
            Screen("company", "admin", f"res.company/{self._company}", ("finance_einvoice_fr",)),
        ]

    def _records(self):
        """Return records of the suite that have tabs or states of their own."""
        rejected = self._einvoice(self._run.moves["fr-rejected"])
        (move,) = self._run.call("account.move", "search", [("ref", "=", "Order 4715")], 0, 1)
        corrected = self._einvoice(move)
        determination = self._of_move("finance.tax.determination", self._run.moves["fr-mixed"])
        answer = f"action-finance_tax_engine.finance_tax_determination_action/{determination}"
        rules = "action-finance_tax_embedded.finance_tax"
        registration = self._first("finance.tax.registration")
        category = self._first("finance.tax.category")
        return [
            Screen("einvoice-rejected", "accountant", f"{_EINVOICES}/{rejected}"),
            Screen("einvoice-resubmitted", "operator", f"{_EINVOICES}/{corrected}"),
            Screen("determination-auditor", "auditor", answer, tabs=("request", "answer")),
            Screen("tax-registration", "admin", f"{rules}_registration_action/{registration}"),
            Screen("tax-category", "admin", f"{rules}_category_action/{category}"),
            Screen("tax-rule-exempt", "admin", f"{rules}_rule_action/{self._exempt_rule()}"),
        ]

    def _dialogs(self):
        """Return what is asked or refused in a dialog."""
        filed = f"{_INVOICES}/{self._run.moves['fr-mixed']}"
        confirm = "button[name=action_post]"
        return [
            Screen("post-refused", "accountant", f"{_INVOICES}/{self._blocked()}", refused=confirm),
            Screen(
                "tax-refused", "accountant", f"{_INVOICES}/{self._undetermined()}", refused=confirm
            ),
            Screen("send", "accountant", filed, (), ("button[name=action_invoice_sent]",)),
            Screen("reversal", "accountant", filed, (), ("button[name=action_reverse]",)),
        ]

    def _first(self, model):
        return self._admin.call(model, "search", [], 0, 1)[0]

    def _of_move(self, model, move):
        return self._run.call(model, "search", [("move_id", "=", move)], 0, 1)[0]

    def _einvoice(self, move):
        return self._of_move("finance.einvoice", move)

    def _exempt_rule(self):
        return self._admin.call("finance.tax.rule", "search", [("treatment", "=", "exempt")], 0, 1)[
            0
        ]

    # -- states of documents ---------------------------------------------------------------------

    def _draft(self, reference):
        """Copy an invoice into a draft that has its date."""
        (origin,) = self._run.call("account.move", "search", [("ref", "=", reference)], 0, 1)
        draft = self._run.call("account.move", "copy", [origin])
        (draft,) = draft if isinstance(draft, list) else (draft,)
        line = self._run.call(
            "account.move.line",
            "search",
            [("move_id", "=", draft), ("display_type", "=", "product")],
            0,
            1,
        )
        values = {"invoice_date": INVOICE_DATE, "invoice_line_ids": [(1, *line, {"quantity": 5})]}
        self._run.call("account.move", "write", [draft], values)
        return draft

    def _post(self, reference, price):
        """Post an invoice with a price of its own: Odoo warns of duplicates."""
        (code, quantity, _price), *_others = _SALE.lines
        lines = ((code, quantity, price),)
        return self._run.post(replace(_SALE, description=reference, lines=lines))

    def _withdrawn(self):
        """Reset an invoice to draft while it is in the outbox: the connection is paused."""
        move = self._post("Order 4721", 251.0)
        self._run.call("account.move", "button_draft", [move])
        return move

    def _cancelled(self):
        move = self._post("Order 4722", 252.0)
        self._run.call("account.move", "button_draft", [move])
        self._run.call("account.move", "button_cancel", [move])
        return move

    def _fallback(self):
        """Post with Odoo's own taxes, because no engine determines the tax of a customer without a country."""
        policy = {"finance_tax_fallback": "native"}
        self._admin.call("res.company", "write", [self._company], policy)
        move = self._undetermined()
        policy = {"finance_tax_fallback": "block"}
        self._admin.call("res.company", "write", [self._company], policy)
        return move

    def _blocked(self):
        """Create a draft that cannot be posted: the address of its customer is incomplete."""
        values = {
            "name": "Atelier incomplet",
            "is_company": True,
            "country_id": self._admin.call("res.country", "search", [("code", "=", "FR")])[0],
        }
        return self._invoice_of(values)

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
        move = self._post("Order 4720", 250.0)
        self._run.call(
            "res.partner", "write", [partner], {"city": values["city"], "zip": values["zip"]}
        )
        policy = {"finance_einvoice_validation": "block"}
        self._admin.call("res.company", "write", [self._company], policy)
        return move

    def _undetermined(self):
        """Create a draft for a customer without a country: no engine can determine its tax."""
        return self._invoice_of({"name": "Atelier sans adresse"})

    def _invoice_of(self, customer):
        """Create a draft for a new customer."""
        (partner,) = self._run.call("res.partner", "create", [customer])
        (product,) = self._run.call("product.product", "search", [], 0, 1)
        line = {"product_id": product, "quantity": 1, "price_unit": 100}
        values = {
            "move_type": "out_invoice",
            "company_id": self._company,
            "partner_id": partner,
            "invoice_line_ids": [(0, 0, line)],
        }
        return self._run.call("account.move", "create", [values])[0]
