"""Screens of other apps that the suite adds something to: documents, customers, products, companies."""

from dataclasses import replace

from .companies import COMPANIES, FR
from .demo_users import login
from .invoices import SALES
from .sample_run import INVOICE_DATE

_SALE = next(sale for sale in SALES if sale.key == "fr-lost-answer")
_INVOICES = "action-account.action_move_out_invoice"
_CREDITS = "action-account.action_move_out_refund_type"
_EINVOICES = "action-finance_einvoice.finance_einvoice_action"
_ENGINE = "action-finance_tax_engine"


def _tab(name):
    """Return what opens a tab of a form."""
    return f".o_notebook .nav-link[name={name}]"


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
        """Return (name, role, path below /odoo, what is clicked there) of each screen."""
        return [*self._documents(), *self._surroundings(), *self._dialogs()]

    def _documents(self):
        """Return invoices and credit notes in states the sample run does not leave behind."""
        credit = self._run.moves["fr-credit"]
        states = {
            "invoice-findings": self._with_findings(),
            "invoice-route": self._draft(_SALE.description),
            "invoice-withdrawn": self._withdrawn(),
            "invoice-cancelled": self._cancelled(),
            "invoice-fallback": self._fallback(),
            "invoice-undetermined": self._undetermined(),
        }
        return [
            ("credit-note", "accountant", f"{_CREDITS}/{credit}"),
            ("credit-notes", "accountant", _CREDITS),
            *((name, "accountant", f"{_INVOICES}/{move}") for name, move in states.items()),
            ("invoice-export", "accountant", f"{_INVOICES}/{self._run.moves['fr-export']}"),
            ("invoice-credited", "accountant", f"{_INVOICES}/{self._run.moves['fr-services']}"),
        ]

    def _surroundings(self):
        """Return what the suite adds to customers, products, companies and documents in tabs."""
        credit, mixed = self._run.moves["fr-credit"], self._run.moves["fr-mixed"]
        customer = self._run.call("account.move", "read", [credit], ["partner_id"])[0]
        products = self._run.call("product.template", "search", [], 0, 1)
        category = self._first("product.category")
        company, partner = f"res.company/{self._company}", f"res.partner/{customer['partner_id'][0]}"
        invoice = f"{_INVOICES}/{mixed}"
        return [
            ("partner", "accountant", partner),
            ("partner-accounting", "accountant", partner, _tab("accounting")),
            ("product", "accountant", f"product.template/{products[0]}"),
            ("product-category", "admin", f"product.category/{category}"),
            ("company", "admin", company),
            ("company-einvoicing", "admin", company, _tab("finance_einvoice_fr")),
            ("invoice-other-info", "accountant", invoice, _tab("other_info")),
            ("invoice-timeline", "accountant", invoice, _tab("finance_timeline")),
            *self._records(),
        ]

    def _records(self):
        """Return records of the suite that have tabs or states of their own."""
        rejected = self._einvoice(self._run.moves["fr-rejected"])
        (move,) = self._run.call("account.move", "search", [("ref", "=", "Order 4715")], 0, 1)
        corrected = self._einvoice(move)
        determination = self._of_move("finance.tax.determination", self._run.moves["fr-mixed"])
        answer = f"{_ENGINE}.finance_tax_determination_action/{determination}"
        tax = self._admin.call(
            "account.tax", "search", [("company_id", "=", self._company)], 0, 1, "id desc"
        )[0]
        rules = "action-finance_tax_embedded.finance_tax"
        return [
            ("einvoice-rejected", "accountant", f"{_EINVOICES}/{rejected}"),
            ("einvoice-resubmitted", "operator", f"{_EINVOICES}/{corrected}"),
            ("determination-answer", "auditor", answer, _tab("answer")),
            ("determination-request", "auditor", answer, _tab("request")),
            ("tax", "admin", f"account.tax/{tax}"),
            (
                "tax-registration",
                "admin",
                f"{rules}_registration_action/{self._first('finance.tax.registration')}",
            ),
            (
                "tax-category",
                "admin",
                f"{rules}_category_action/{self._first('finance.tax.category')}",
            ),
            ("tax-rule-exempt", "admin", f"{rules}_rule_action/{self._exempt_rule()}"),
        ]

    def _dialogs(self):
        """Return what is asked or refused in a dialog."""
        filed, draft = self._run.moves["fr-mixed"], self._blocked()
        undetermined = self._undetermined()
        confirm, refused = "button[name=action_post]:visible", ".modal"
        return [
            ("post-refused", "accountant", f"{_INVOICES}/{draft}", confirm, refused),
            ("tax-refused", "accountant", f"{_INVOICES}/{undetermined}", confirm, refused),
            (
                "send",
                "accountant",
                f"{_INVOICES}/{filed}",
                "button[name=action_invoice_sent]:visible",
                refused,
            ),
            (
                "reversal",
                "accountant",
                f"{_INVOICES}/{filed}",
                "button[name=action_reverse]:visible",
                refused,
            ),
        ]

    def _first(self, model):
        return self._admin.call(model, "search", [], 0, 1)[0]

    def _of_move(self, model, move):
        return self._run.call(model, "search", [("move_id", "=", move)], 0, 1)[0]

    def _einvoice(self, move):
        return self._of_move("finance.einvoice", move)

    def _exempt_rule(self):
        return self._admin.call("finance.tax.rule", "search", [("treatment", "=", "exempt")], 0, 1)[0]

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
