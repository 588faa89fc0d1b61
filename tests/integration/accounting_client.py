"""The users of the sample company, through the same calls as the web client."""

import time

from demo.companies import COMPANIES, FR
from demo.demo_users import login
from sandbox.client import ControlClient

DATE = "2026-10-20"
WAIT_SECONDS = 150
LOOK_SECONDS = 0.5


class AccountingClient:
    """The French company of a running installation."""

    def __init__(self, stack):
        self.stack = stack
        self.control = ControlClient(stack.sandbox_url)
        self.accountant = self.session("accountant")
        company = self.accountant.search_read(
            "res.company", [("name", "=", COMPANIES[FR]["name"])], ["id"]
        )
        self.context = {"allowed_company_ids": [company[0]["id"]]}
        self.company = company[0]["id"]

    def session(self, role):
        """A fresh session of a role."""
        person = login(role)
        return self.stack.rpc(person["login"], person["password"])

    def invoices(self, count=1, customer="Ateliers Montbrun SAS"):
        """Draft invoices of one shelf."""
        values = {
            "move_type": "out_invoice",
            "company_id": self.company,
            "partner_id": self._id("res.partner", [("name", "=", customer)]),
            "invoice_date": DATE,
            "invoice_line_ids": [
                (
                    0,
                    0,
                    {
                        "product_id": self._id("product.product", [("default_code", "=", "SHELF")]),
                        "quantity": 1,
                        "price_unit": 240.0,
                    },
                )
            ],
        }
        return self.call("create", [values] * count)

    def post(self, moves):
        self.call("action_post", moves)
        return moves

    def call(self, method, *args, **kwargs):
        """Call a method of invoices as the accountant."""
        return self.accountant.call("account.move", method, *args, context=self.context, **kwargs)

    def states(self, moves):
        return {row["einvoice_state"] for row in self.call("read", moves, ["einvoice_state"])}

    def names(self, moves):
        return {row["name"] for row in self.call("read", moves, ["name"])}

    def exchanges(self, moves, *fields):
        return self.accountant.call(
            "finance.exchange",
            "search_read",
            [("document_id", "in", moves)],
            list(fields),
            context=self.context,
        )

    def until(self, moves, *wanted):
        """Wait until the e-invoices of all moves are in one of the wanted states."""
        self.until_true(lambda: self.states(moves) <= set(wanted), f"{moves} in {wanted}")

    def until_true(self, fact, what):
        """Look again and again until the fact holds; fails with what was waited for."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not fact():
            assert time.monotonic() < deadline, f"waited {WAIT_SECONDS} s for {what}"
            time.sleep(LOOK_SECONDS)

    def received(self, moves):
        """What the platform received under these invoice numbers."""
        names = self.names(moves)
        return [item for item in self.control.oracle("afnor") if item["number"] in names]

    def _id(self, model, domain):
        return self.accountant.search_read(model, domain, ["id"])[0]["id"]
