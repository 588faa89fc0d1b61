"""The usual scheduled action: one record, one call, one commit."""

from odoo import models


class BenchDocument(models.Model):
    _inherit = "bench.document"

    def _hand_over(self):
        self.env.ref("bench_naive.ir_cron_file")._trigger()

    def _cron_file(self):
        for document in self.search([("answer", "=", False)]):
            document._file()
            self.env.cr.commit()
