"""Measure what the suite adds to creating and posting invoices, as ratios to Odoo on the same database.

The ways alternate, round by round, so that a machine that slows down slows all of them; CPU time of the process and
the median round are reported. Nothing is sent. The e-invoice is rendered and validated with the official rule sets;
beside it stands Odoo's own way to the same document: posting, then its own UBL export without those rules.
"""

import statistics
import time

from demo.companies import COMPANIES, CUSTOMERS, FR

DATE = "2026-10-20"
ODOO, ENGINE = "Odoo", "with the tax engine"
EXPORT, EINVOICE = "Odoo and its UBL export", "with engine and e-invoice"
#: Lines, invoices in one call, rounds.
SIZES = ((1, 1, 31), (5, 1, 31), (100, 1, 11), (1000, 1, 2), (1, 500, 2))


def main(env):
    """Print the table; the database keeps the invoices."""
    bench = Bench(env)
    print(f"{'creating and posting':<30}{'way':<28}{'CPU ms':>10}{'queries':>9}{'ratio':>7}")
    for lines, invoices, rounds in SIZES:
        bench.compare((ODOO, ENGINE), lines, invoices, rounds)
    bench.compare((EXPORT, EINVOICE), 5, 1, 11)


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

    def compare(self, ways, lines, invoices, rounds):
        """Measure the ways alternately and print a row for each."""
        measured = {way: [] for way in ways}
        for way in ways:  # warms caches and compiles the rules
            self.run(way, 1, 1)
        for number in range(rounds):
            # Every way is first as often as second: the database grows under both alike.
            for way in reversed(ways) if number % 2 else ways:
                measured[way].append(self.run(way, lines, invoices))
        base = statistics.median(seconds for seconds, _queries in measured[ways[0]])
        for way, results in measured.items():
            seconds = statistics.median(seconds for seconds, _queries in results)
            queries = statistics.median(queries for _seconds, queries in results)
            title = f"{invoices} × {lines} lines" if invoices > 1 else f"{lines} lines"
            print(
                f"{title:<30}{way:<28}{1000 * seconds:>10.1f}{queries:>9.0f}{seconds / base:>7.2f}"
            )

    def run(self, way, lines, invoices):
        """Return CPU seconds and queries of one round."""
        self._company.write(
            {
                "finance_tax_engine": "none" if way in {ODOO, EXPORT} else "embedded",
                "finance_einvoice_regime": "fr" if way == EINVOICE else False,
            }
        )
        # Changing a company empties caches, which does not happen between two invoices in daily work.
        self._create(1, 1).action_post()
        self._env.cr.commit()
        self._env.invalidate_all()
        queries, started = self._env.cr.sql_log_count, time.process_time()
        moves = self._create(lines, invoices)
        moves.action_post()
        self._check(moves, way)
        if way == EXPORT:
            for move in moves:
                self._env["account.edi.xml.ubl_bis3"]._export_invoice(move)
        self._env.flush_all()
        seconds = time.process_time() - started
        queries = self._env.cr.sql_log_count - queries
        self._env.cr.commit()
        return seconds, queries

    @staticmethod
    def _check(moves, way):
        """Refuse to measure something else than what the table says."""
        expected = "none" if way in {ODOO, EXPORT} else "determined"
        if set(moves.mapped("finance_tax_state")) != {expected} or set(moves.mapped("state")) != {
            "posted"
        }:
            raise RuntimeError(f"{way}: not every document was posted as {expected}")

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
