"""A hundred thousand pending exchanges at once: copied in SQL from one that the product has made itself."""

from odoo import models

_COLUMNS = """
SELECT column_name FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = 'finance_exchange' AND column_name <> 'id'
 ORDER BY ordinal_position
"""
_DOCUMENTS = """
INSERT INTO bench_document (name, batch, body)
SELECT %(batch)s || '-' || lpad(n::text, 6, '0'), %(batch)s, d.body
  FROM generate_series(1, %(count)s - 1) n, bench_document d
 WHERE d.id = %(first)s
"""
_EXCHANGES = """
INSERT INTO finance_exchange ({columns})
SELECT {values}
  FROM finance_exchange e
  JOIN bench_document d ON d.batch = %(batch)s AND d.id <> %(first)s
 WHERE e.document_model = 'bench.document' AND e.document_id = %(first)s
"""
#: What each copy has of its own.
_OWN = {
    "idempotency_key": "d.name",
    "correlation_id": "gen_random_uuid()::text",
    "document_id": "d.id",
    "document_name": "d.name",
    "owner_id": "d.id",
}


class BenchDocument(models.Model):
    _inherit = "bench.document"

    def _fill_batches(self, batch, count):
        """Fill the backlog with documents that may travel together."""
        self.with_context(bench_operation="file_batch")._fill_backlog(batch, count)

    def _fill_backlog(self, batch, count):
        """Documents with their exchanges, due now."""
        self._fill(batch, 1)
        self.env.flush_all()
        cr = self.env.cr
        given = {"batch": batch, "count": count, "first": self.search([("batch", "=", batch)]).id}
        cr.execute(_COLUMNS)
        names = [row[0] for row in cr.fetchall()]
        values = ", ".join(_OWN.get(name, f'e."{name}"') for name in names)
        columns = ", ".join(f'"{name}"' for name in names)
        cr.execute(_DOCUMENTS, given)
        cr.execute(_EXCHANGES.format(columns=columns, values=values), given)
        self.env.invalidate_all()
