"""One exchange per document; the dispatcher tells the document what became of it."""

import os

from odoo import models
from odoo.addons.bench_document.models.bench_document import STUB


class BenchDocument(models.Model):
    _name = "bench.document"
    _inherit = ["bench.document", "finance.exchange.owner.mixin"]

    def _hand_over(self):
        connection = self._connection()
        for document in self:
            self.env["finance.exchange"]._enqueue(
                connection,
                self.env.context.get("bench_operation", "file"),
                document.body.encode(),
                key=document.name,
                owner=document,
                document=document,
                parameters={"batch": document.batch},
            )

    def _exchange_changed(self, exchange):
        if exchange.state == "accepted":
            self.answer = exchange.reference

    def _connection(self):
        """The connection to the provider, tested and activated as a finance admin does it."""
        connections = self.env["finance.connection"]
        found = connections.search([("provider", "=", "bench")], limit=1)
        return found or self._connect()

    def _connect(self):
        admin = self.env.ref("base.user_admin")
        admin.group_ids |= self.env.ref("finance_connector_base.group_admin")
        values = {"name": "Bench", "provider": "bench", "environment": "sandbox"}
        connection = self.env["finance.connection"].create({**values, "base_url": os.environ[STUB]})
        connection.with_user(admin).action_test()
        connection.with_user(admin).action_activate()
        return connection
