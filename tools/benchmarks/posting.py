"""What the suite adds to creating and posting an invoice, as ratios to Odoo alone on the same database.

The three ways take turns, round by round, so that a machine that slows down slows all of them; the median round is
reported. The e-invoice is rendered, validated with three official rule sets and put into the outbox; nothing is sent.
"""

import statistics
import time

from demo.companies import COMPANIES, CUSTOMERS, FR

ROUNDS = 7
INVOICES = 5
LINES = 5
DATE = "2026-10-20"
ALONE, ENGINE, EINVOICE = "Odoo alone", "with the tax engine", "with engine and e-invoice"


def main(env):
    """Print the table; the database keeps the invoices."""
    bench = Bench(env)
    seconds = {way: [] for way in (ALONE, ENGINE, EINVOICE)}
    for number in range(ROUNDS + 1):
        for way, measured in seconds.items():
            taken = bench.run(way)
            if number:  # the first round warms caches and compiles the rules
                measured.append(taken)
    base = statistics.median(seconds[ALONE])
    print(f"{'creating and posting':<28}{'ms an invoice':>15}{'ratio':>8}")
    for way, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{way:<28}{1000 * median / INVOICES:>15.0f}{median / base:>8.2f}")


class Bench:
    """Invoices of the French sample company with five lines each."""

    def __init__(self, env):
        self._company = env["res.company"].search([("name", "=", COMPANIES[FR]["name"])])
        self._env = env(context={**env.context, "allowed_company_ids": self._company.ids})
        self._partner = self._env["res.partner"].search(
            [("name", "=", CUSTOMERS["ateliers"]["name"])]
        )
        self._product = self._env["product.product"].search([("default_code", "=", "SHELF")])
        self._tax = self._env["account.tax"].search(
            [
                ("company_id", "=", self._company.id),
                ("type_tax_use", "=", "sale"),
                ("amount", "=", 20),
                ("finance_tax_key", "=", False),
            ],
            limit=1,
        )

    def run(self, way):
        """Seconds for one round."""
        self._company.write(
            {
                "finance_tax_engine": "none" if way == ALONE else "embedded",
                "finance_einvoice_regime": "fr" if way == EINVOICE else False,
            }
        )
        # Changing a company empties caches, which no day at an office does between two invoices.
        self._invoice().action_post()
        self._env.cr.commit()
        started = time.perf_counter()
        for _number in range(INVOICES):
            self._invoice().action_post()
        self._env.cr.commit()
        return time.perf_counter() - started

    def _invoice(self):
        line = {
            "product_id": self._product.id,
            "quantity": 2,
            "price_unit": 240.0,
            "tax_ids": [(6, 0, self._tax.ids)],
        }
        return self._env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": self._company.id,
                "partner_id": self._partner.id,
                "invoice_date": DATE,
                "invoice_line_ids": [(0, 0, line)] * LINES,
            }
        )
