"""Customers and invoices of a test's own, made before the test walks through the screens.

No other test sends to these customers, so a fault or a verdict of the sandbox for one of them affects no other test.
"""

import dataclasses
import random

from stdnum import luhn
from stdnum.fr import siren as siren_number

from demo.companies import COMPANIES, FR
from demo.demo_users import login

COMPANY = COMPANIES[FR]["name"]


@dataclasses.dataclass(frozen=True)
class Customer:
    """A French business; the numbers have valid check digits and are drawn anew each time."""

    id: int
    name: str
    siren: str
    siret: str


class RecordFactory:
    """Create the records a test starts with, through the external API."""

    def __init__(self, stack) -> None:
        self._stack = stack
        self._sessions = {}

    def session(self, role: str):
        """Return the session of a role beside the browser."""
        if role not in self._sessions:
            person = login(role)
            self._sessions[role] = self._stack.rpc(person["login"], person["password"])
        return self._sessions[role]

    def customer(self, *, registered: bool = True) -> Customer:
        """Return a new customer; an unregistered one lacks SIREN and VAT number."""
        siren = _with_check_digit(f"{random.randrange(10**7, 10**8)}")
        siret = _with_check_digit(f"{siren}0001")
        name = f"Papeterie {siren} SARL"
        values = {
            "name": name,
            "is_company": True,
            "street": "5 rue des Carmes",
            "zip": "44000",
            "city": "Nantes",
            "country_id": self._id("res.country", "code", "FR"),
        }
        if registered:
            values |= {"company_registry": siret, "vat": f"FR{siren_number.to_tva(siren)}"}
        return Customer(self.session("admin").create("res.partner", values), name, siren, siret)

    def invoice(self, customer: Customer) -> int:
        """Return a posted invoice of one shelf."""
        accountant = self.session("accountant")
        values = {
            "move_type": "out_invoice",
            "partner_id": customer.id,
            "invoice_line_ids": [
                (0, 0, {"product_id": self._id("product.product", "default_code", "SHELF")})
            ],
        }
        context = {"allowed_company_ids": [self._id("res.company", "name", COMPANY)]}
        (move,) = accountant.call("account.move", "create", [values], context=context)
        accountant.call("account.move", "action_post", [move], context=context)
        return move

    def number(self, invoice: int) -> str:
        """Return the number of a posted invoice."""
        (read,) = self.session("accountant").read("account.move", invoice, ["name"])
        return read["name"]

    def forget_connections(self, name: str) -> None:
        """Remove the connections with this name."""
        admin = self.session("admin")
        found = admin.search_read("finance.connection", [("name", "=", name)], ["id"])
        admin.call("finance.connection", "unlink", [item["id"] for item in found])

    def _id(self, model: str, field: str, value: str) -> int:
        (found,) = self.session("admin").search_read(model, [(field, "=", value)], ["id"])
        return found["id"]


def _with_check_digit(digits: str) -> str:
    return digits + luhn.calc_check_digit(digits)
