"""Posts the sample invoices on the running server, as the accountant does in the form, and waits for the verdicts."""

import time
from decimal import Decimal

from sandbox.client import ControlClient

from .companies import COMPANIES, CUSTOMERS
from .demo_users import login
from .invoices import CREDITS, SALES, Credit, Sale

INVOICE_DATE = "2026-10-15"
_SETTLED = {"filed", "accepted", "rejected", "failed", False}
_WAIT_SECONDS = 180
_LOOK_SECONDS = 1.0

REASON = {
    "level": "Error",
    "item": "BT-10",
    "reasonCode": "InvalidSchema",
    "reasonMessage": "The buyer's service code is required by this buyer.",
}


class SampleRun:
    """The sample invoices on one running installation."""

    def __init__(self, stack):
        person = login("accountant")
        self._rpc = stack.rpc(person["login"], person["password"])
        self.control = ControlClient(stack.sandbox_url)
        self.moves: dict[str, int] = {}
        self._products = self._ids("product.product", "default_code")
        self._partners = self._ids("res.partner", "name")
        self._companies = self._ids("res.company", "name")
        self._currencies = self._ids("res.currency", "name")

    def run(self):
        """Post everything. One answer is lost on the way and one invoice is rejected, as on a real day."""
        for sale in SALES:
            self._prepare_sandbox(sale)
            self.moves[sale.key] = self.post(sale)
            self._rest_until_sent(sale)
        self.wait()
        for credit in CREDITS:
            self.moves[credit.key] = self._credit(credit)
        self.wait()

    def rows(self):
        """One row per sample invoice: ``(sale or credit, values read from the server)``."""
        posted = (*SALES, *CREDITS)
        read = self._read([self.moves[item.key] for item in posted])
        return [(item, read[self.moves[item.key]]) for item in posted]

    def wait(self):
        """Until each e-invoice has its verdict."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            values = self._read(list(self.moves.values()))
            if all(value["einvoice_state"] in _SETTLED for value in values.values()):
                return
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError("some e-invoices have no verdict yet")

    # -- the accountant's steps ---------------------------------------------------------------------------------

    def post(self, sale: Sale):
        """Create and confirm one invoice; its id."""
        context = self._context(sale.company)
        values = {
            "move_type": "out_invoice",
            "company_id": context["allowed_company_ids"][0],
            "partner_id": self._partners[CUSTOMERS[sale.customer]["name"]],
            "invoice_date": INVOICE_DATE,
            "ref": sale.description,
            "invoice_line_ids": [
                (
                    0,
                    0,
                    {
                        "product_id": self._products[code],
                        "quantity": quantity,
                        "price_unit": price,
                    },
                )
                for code, quantity, price in sale.lines
            ],
        }
        if sale.currency:
            values["currency_id"] = self._currencies[sale.currency]
        (move,) = self._rpc.call("account.move", "create", [values], context=context)
        self._rpc.call("account.move", "action_post", [move], context=context)
        return move

    def _credit(self, credit: Credit):
        context = self._context(credit.company)
        origin = self.moves[credit.of]
        wizard = self._rpc.call(
            "account.move.reversal",
            "create",
            [
                {
                    "move_ids": [(6, 0, [origin])],
                    "reason": credit.description,
                    "date": INVOICE_DATE,
                    "journal_id": self._journal(origin),
                }
            ],
            context={**context, "active_model": "account.move", "active_ids": [origin]},
        )
        action = self._rpc.call("account.move.reversal", "refund_moves", wizard, context=context)
        move = action["res_id"]
        self._rpc.call(
            "account.move", "write", [move], {"invoice_date": INVOICE_DATE}, context=context
        )
        self._rpc.call("account.move", "action_post", [move], context=context)
        return move

    # -- the platform's side ------------------------------------------------------------------------------------

    def _prepare_sandbox(self, sale: Sale):
        if sale.key == "fr-lost-answer":
            self.control.fault("drop_after", provider="afnor", operation="createFlow", times=1)
        if sale.key == "fr-rejected":
            self.control.verdict("reject", provider="afnor", reasons=[REASON], times=1)

    def _rest_until_sent(self, sale: Sale):
        """Wait until the invoice has left: its fault or verdict is meant for no other invoice."""
        if sale.state is None:
            return
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            exchanges = self._rpc.search_read(
                "finance.exchange",
                [("document_id", "=", self.moves[sale.key])],
                ["send_count", "state"],
            )
            if exchanges and exchanges[0]["state"] not in ("pending", "sending"):
                return
            time.sleep(_LOOK_SECONDS / 4)
        raise TimeoutError(f"{sale.key} was not sent")

    def call(self, model, method, *args):
        """Call a method as the accountant, in all companies of the sample."""
        context = {"allowed_company_ids": list(self._all_companies())}
        return self._rpc.call(model, method, *args, context=context)

    # -- reading ------------------------------------------------------------------------------------------------

    def _read(self, ids):
        fields = [
            "name",
            "company_id",
            "currency_id",
            "amount_tax",
            "amount_total",
            "einvoice_state",
            "einvoice_reference",
            "audit_entry_count",
        ]
        records = self.call("account.move", "read", ids, fields)
        for record in records:
            record["amount_tax"] = Decimal(str(record["amount_tax"])).quantize(Decimal("0.01"))
        return {record["id"]: record for record in records}

    def attempts(self, move):
        """How many times the invoice was sent, and steps taken in all."""
        exchanges = self.call(
            "finance.exchange", "search_read", [("document_id", "=", move)], ["attempt_ids"]
        )
        return sum(len(item["attempt_ids"]) for item in exchanges)

    def _journal(self, move):
        return self.call("account.move", "read", [move], ["journal_id"])[0]["journal_id"][0]

    def _context(self, company):
        return {"allowed_company_ids": [self._companies[COMPANIES[company]["name"]]]}

    def _all_companies(self):
        return (self._companies[values["name"]] for values in COMPANIES.values())

    def _ids(self, model, name):
        return {item[name]: item["id"] for item in self._rpc.search_read(model, [], [name])}


def run(stack):
    """Process the sample invoices on a started installation."""
    SampleRun(stack).run()
