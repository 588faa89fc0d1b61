"""Measure what the suite adds to creating and posting invoices, as ratios to Odoo on the same database.

The ways alternate, round by round, so that a machine that slows down slows all of them; CPU time of the process and
the median round are reported. Nothing is sent. The e-invoice is rendered and validated with the official rule sets;
beside it stands Odoo's own way to the same document: posting, then its own UBL export without those rules.
"""

import statistics
import time
from typing import NamedTuple

from demo.companies import COMPANIES, CUSTOMERS, FR

DATE = "2026-10-20"
ODOO, ENGINE = "Odoo", "with the tax engine"
EXPORT, EINVOICE = "Odoo and its UBL export", "with engine and e-invoice"
#: What each way is compared with.
BASE = {ENGINE: ODOO, EINVOICE: EXPORT}
#: Lines, invoices in one call, rounds.
SIZES = ((1, 1, 11), (5, 1, 21), (100, 1, 5), (1000, 1, 1), (5, 500, 1))


class Cost(NamedTuple):
    """CPU seconds of this process and queries."""

    seconds: float
    queries: int

    @classmethod
    def now(cls, env):
        """Return what has been used until now."""
        return cls(time.process_time(), env.cr.sql_log_count)

    def until(self, later):
        """Return what was used between the two."""
        return Cost(later.seconds - self.seconds, later.queries - self.queries)


def main(env):
    """Print the table; the database keeps the invoices."""
    bench = Bench(env)
    print(f"{'creating and posting':<24}{'way':<28}{'CPU ms':>10}{'queries':>9}{'ratio':>7}")
    for lines, invoices, rounds in SIZES:
        bench.compare(lines, invoices, rounds)


class Bench:
    """Invoices of the French sample company."""

    def __init__(self, env):
        self._company = env["res.company"].search([("name", "=", COMPANIES[FR]["name"])])
        self._env = env(context={**env.context, "allowed_company_ids": self._company.ids})
        self._company = self._company.with_env(self._env)
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

    def compare(self, lines, invoices, rounds):
        """Measure the ways alternately and print a row for each."""
        ways = (EXPORT, ENGINE, EINVOICE)
        measured = {way: [] for way in (ODOO, ENGINE, EXPORT, EINVOICE)}
        for way in ways:  # warms caches and compiles the rules
            self.run(way, 1, 1)
        for number in range(rounds):
            # Every way is first as often as last: the database grows under all alike.
            for way in reversed(ways) if number % 2 else ways:
                for measured_way, cost in self.run(way, lines, invoices).items():
                    measured[measured_way].append(cost)
        median = {
            way: Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))
            for way, costs in measured.items()
        }
        title = f"{invoices} × {lines} lines" if invoices > 1 else f"{lines} lines"
        for way, cost in median.items():
            ratio = f"{cost.seconds / median[BASE[way]].seconds:.2f}" if way in BASE else ""
            print(
                f"{title:<24}{way:<28}{1000 * cost.seconds:>10.1f}{cost.queries:>9.0f}{ratio:>7}",
                flush=True,
            )

    def run(self, way, lines, invoices):
        """Return the costs of one round by way: Odoo alone is measured on the way to its export."""
        stock = way == EXPORT
        self._company.write(
            {
                "finance_tax_engine": "none" if stock else "embedded",
                "finance_einvoice_regime": "fr" if way == EINVOICE else False,
            }
        )
        # Changing a company empties caches, which does not happen between two invoices in daily work.
        self._create(1, 1).action_post()
        self._env.cr.commit()
        self._env.invalidate_all()
        begun = Cost.now(self._env)
        moves = self._create(lines, invoices)
        moves.action_post()
        self._env.flush_all()
        posted = Cost.now(self._env)
        if stock:
            for move in moves:
                self._env["account.edi.xml.ubl_bis3"]._export_invoice(move)
        exported = Cost.now(self._env)
        self._check(moves, way)
        self._env.cr.commit()
        if stock:
            return {ODOO: begun.until(posted), EXPORT: begun.until(exported)}
        return {way: begun.until(posted)}

    @staticmethod
    def _check(moves, way):
        """Refuse to measure something else than what the table says."""
        expected = "none" if way == EXPORT else "determined"
        if set(moves.mapped("finance_tax_state")) != {expected} or set(moves.mapped("state")) != {
            "posted"
        }:
            raise RuntimeError(f"{way}: not every document was posted as {expected}")
        if bool(moves.einvoice_ids) != (way == EINVOICE):
            raise RuntimeError(f"{way}: e-invoices are missing, or exist where none are expected")

    def _create(self, lines, invoices):
        line = {
            "product_id": self._product.id,
            "quantity": 2,
            "price_unit": 240.0,
            "tax_ids": [(6, 0, self._tax.ids)],
        }
        values = {
            "move_type": "out_invoice",
            "company_id": self._company.id,
            "partner_id": self._partner.id,
            "invoice_date": DATE,
            "invoice_line_ids": [(0, 0, line)] * lines,
        }
        return self._env["account.move"].create([dict(values) for _number in range(invoices)])
