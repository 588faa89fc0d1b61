"""A tiny business document: something a test can send, and whose state tells what became of it."""

import json

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core.delivery import states

from ..core import reference_rest as rest

DRAFT = "draft"


class FinanceReferenceDocument(models.Model):
    _name = "finance.reference.document"
    _description = "Document for the reference provider"
    _inherit = ["finance.exchange.owner.mixin"]

    name = fields.Char(required=True, readonly=True)
    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    operation = fields.Char(required=True, readonly=True)
    state = fields.Selection([(DRAFT, "Draft"), *states.LABELS], default=DRAFT, readonly=True)
    exchange_id = fields.Many2one(
        "finance.exchange", readonly=True, index="btree_not_null", ondelete="restrict"
    )

    notifications = fields.Integer(readonly=True)

    @api.model
    def _send(self, connection, operation, name, *, chain=None, filler=""):
        """A new document on its way to the provider, in the caller's transaction."""
        document = self.create(
            {"name": name, "connection_id": connection.id, "operation": operation}
        )
        document._enqueue(chain, filler)
        return document

    def _enqueue(self, chain, filler):
        """Exchanges of a chain carry the place of their record; the others only the name."""
        values, parameters, more = {"number": self.name, "filler": filler}, {}, {}
        if self.operation == rest.CHAIN:
            values["sequence"], values["previous"] = chain._next()
            parameters = {"chain": chain.name, "sequence": values["sequence"]}
            more["chain"] = chain.name
        elif self.operation != rest.NOTICE:
            parameters = {"number": self.name}
        content = json.dumps(values, sort_keys=True).encode()
        if chain:
            chain._append(content)
        self.exchange_id = self.env["finance.exchange"]._enqueue(
            self.connection_id,
            self.operation,
            content,
            key=self.name,
            owner=self,
            document=self,
            parameters=parameters,
            **more,
        )

    def _exchange_changed(self, exchange):
        self.state = exchange.state
        self.notifications += 1
