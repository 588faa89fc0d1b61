"""A document of about 2 kB that must reach the provider once, and the answer it gets; how is the engine's business."""

import os

import requests
from odoo import fields, models

#: Where the provider is; set by the benchmark for every process of Odoo.
STUB = "BENCH_STUB_URL"
TIMEOUT = 60
LINE = "<line><product>Shelf</product><quantity>2</quantity><price>240.00</price></line>"


class BenchDocument(models.Model):
    _name = "bench.document"
    _description = "Document of the benchmark"

    name = fields.Char(required=True, index=True)
    batch = fields.Char(required=True, index=True)
    body = fields.Text(required=True)
    answer = fields.Char()

    def _fill(self, batch, count):
        """Make documents and hand them to the engine, in this transaction."""
        documents = self.create(
            [
                {
                    "name": f"{batch}-{number:06}",
                    "batch": batch,
                    "body": f"<invoice><number>{batch}-{number:06}</number>{LINE * 25}</invoice>",
                }
                for number in range(count)
            ]
        )
        documents._hand_over()

    def _hand_over(self):
        """Let the engine know of new documents."""
        raise NotImplementedError

    def _address(self):
        return f"{os.environ[STUB]}/documents/{self.batch}/{self.name}"

    def _file(self):
        """One call, and the answer stored: what a job or a scheduled action does."""
        self.ensure_one()
        response = requests.post(self._address(), data=self.body.encode(), timeout=TIMEOUT)
        response.raise_for_status()
        self.answer = response.json()["reference"]
