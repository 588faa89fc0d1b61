"""One job per document."""

from odoo import models


class BenchDocument(models.Model):
    _inherit = "bench.document"

    def _hand_over(self):
        for document in self:
            document.with_delay()._file()
