"""Resources of connections: tokens, sessions and keys that have a lifetime and are shared by all
workers. Obtained and read by ``resource_store``.
"""

from odoo import api, fields, models


class FinanceResource(models.Model):
    _name = "finance.resource"
    _description = "Connection resource"
    _order = "connection_id, name"
    _log_access = False

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id")
    name = fields.Char("Resource ID", required=True, readonly=True)
    label = fields.Char("Session or key", compute="_compute_label", exportable=False)
    generation = fields.Integer(
        "Renewals", required=True, readonly=True, default=0, help="Number of times it was obtained."
    )
    basis = fields.Char(
        readonly=True,
        groups=fields.NO_ACCESS,
        help="Hash of the settings and credentials under which it was obtained.",
    )
    ciphertext = fields.Char(readonly=True, groups=fields.NO_ACCESS)
    public = fields.Json("Public part", readonly=True)
    obtained_at = fields.Datetime("Obtained at", readonly=True)
    expires_at = fields.Datetime("Valid until", readonly=True)

    is_valid = fields.Boolean("Valid", compute="_compute_is_valid", exportable=False)

    _name_unique = models.UniqueIndex("(connection_id, name)")

    @api.depends("name", "connection_id.provider")
    @api.depends_context("lang")
    def _compute_label(self):
        for resource in self:
            labels = resource.connection_id._adapter()._resource_labels()
            resource.label = labels.get(resource.name) or resource.name

    @api.depends("expires_at", "obtained_at")
    def _compute_is_valid(self):
        now = fields.Datetime.now()
        for resource in self:
            resource.is_valid = bool(resource.obtained_at) and (
                not resource.expires_at or resource.expires_at > now
            )

    @api.model
    def _drop(self, connections):
        """Forget the resources of connections, so that each is obtained again."""
        self.sudo().search([("connection_id", "in", connections.ids)]).unlink()
