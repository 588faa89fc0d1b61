"""What a connection still holds at its provider and no longer needs: sessions and tokens to close.

An order is made in the transaction that pauses a connection or changes its credentials or addresses,
and carried out by the dispatcher, which calls the provider outside of any transaction of a user. It
keeps what the resources were obtained under, as ciphertexts: when it is carried out, the connection
may have other credentials and another address. It is carried out at most once; a session that could
not be closed ends by itself.
"""

import uuid

from odoo import api, fields, models
from odoo.addons.finance_audit.core.entry import storable
from odoo.addons.finance_audit.core.restricted import is_written_by_suite, refuse_private_entry
from odoo.exceptions import AccessError

from ..core.delivery.queries import QUERIES
from ..secret_store import held_resources
from .finance_dispatcher import attempt_values, stored_body

#: Of the record itself and no setting.
_OWN = ("id", "create_uid", "write_uid")
#: Fields of a connection that an adapter builds its protocol from.
_SETTING_TYPES = ("char", "text", "selection", "boolean", "integer", "float", "many2one")
_AT_ONCE = 20

_DUE = """
    SELECT r.id FROM finance_resource_release r
     WHERE NOT EXISTS (SELECT 1 FROM finance_exchange e
                        WHERE e.connection_id = r.connection_id AND e.claim_token IS NOT NULL)
     ORDER BY r.id
     LIMIT %s
       FOR UPDATE SKIP LOCKED
"""


class FinanceResourceRelease(models.Model):
    _name = "finance.resource.release"
    _description = "Sessions to close"
    _order = "id"

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id")
    is_of_pause = fields.Boolean("Because of a pause", readonly=True)
    settings = fields.Json(readonly=True, groups=fields.NO_ACCESS)
    credentials = fields.Json(readonly=True, groups=fields.NO_ACCESS)
    resources = fields.Json(readonly=True, groups=fields.NO_ACCESS)

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_foreign_write()
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_foreign_write()
        return super().write(vals)

    def unlink(self):
        self._refuse_foreign_write()
        return super().unlink()

    def _refuse_foreign_write(self):
        """Refuse what does not come from the code of the suite, whatever the rights."""
        if not is_written_by_suite():
            raise AccessError(self.env._("Sessions are closed by the system."))

    @api.model
    def _order_for(self, connections, *, is_of_pause=False):
        """Order that what these connections hold is given up, under their present settings."""
        refuse_private_entry()
        made = self.sudo()
        for connection in connections.sudo():
            held = held_resources(connection)
            if not held:
                continue
            made += made.create(
                {
                    "connection_id": connection.id,
                    "is_of_pause": is_of_pause,
                    "settings": _settings(connection),
                    "credentials": {
                        item.purpose: item.ciphertext
                        for item in connection.credential_ids
                        if item.ciphertext
                    },
                    "resources": held,
                }
            )
        if made:
            self.env["finance.exchange"]._wake_dispatcher()

    @api.model
    def _withdraw(self, connections):
        """Withdraw the orders of a pause that has ended: what is held is in use again."""
        self.sudo().search(
            [("connection_id", "in", connections.ids), ("is_of_pause", "=", True)]
        ).unlink()

    @api.model
    def _take(self):
        """Take orders that are due off the table; return (connection, its former self, resources,
        credentials) of each that this database may carry out.

        None is due while a call of its connection is in flight, which may use the session.
        """
        self.env.cr.execute(_DUE, (_AT_ONCE,))
        taken = []
        orders = self.browse([row[0] for row in self.env.cr.fetchall()])
        for order in orders:
            connection = order.connection_id
            for item in order.resources:
                # Not used any more, whatever becomes of the call.
                values = {"connection": connection.id, "name": item["name"]}
                self.env.cr.execute(
                    QUERIES["resource_refuse"], {**values, "generation": item["generation"]}
                )
            if connection._is_provider_installed() and not connection._database_finding():
                taken.append((connection, order.settings, order.resources, order.credentials))
        orders.unlink()
        # After the unlink, which empties the cache: a record that is not stored has nothing else.
        return [
            (connection, connection.new(settings), resources, credentials)
            for connection, settings, resources, credentials in taken
        ]

    @api.model
    def _note(self, connection_id, report):
        """Store the attempt of a call that closed something at the provider, or tried to."""
        connection = self.env["finance.connection"].browse(connection_id).exists()
        if not connection or not report.method:
            return
        adapter = connection._adapter()
        now = fields.Datetime.now()
        self.env["finance.exchange.attempt"].create(
            {
                **storable(attempt_values(report)),
                "connection_id": connection.id,
                "company_id": connection.company_id.id,
                "token": str(uuid.uuid4()),
                "step": "release",
                "started_at": now,
                "ended_at": now,
                "api_version": adapter._api_version,
                "adapter_version": adapter._adapter_version(),
                "response_body": stored_body(report.body),
            }
        )


def _settings(connection):
    """Return the stored settings of a connection as JSON values."""
    names = [
        name
        for name, field in connection._fields.items()
        if field.store and field.type in _SETTING_TYPES and name not in _OWN
    ]
    values = connection.read(names, load="")[0]
    return {name: values[name] for name in names}
