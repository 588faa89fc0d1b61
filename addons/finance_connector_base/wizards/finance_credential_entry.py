"""Dialog: enter the credentials that the provider's addon declares as data.

Entered values go straight into the store of secrets; the rows of the dialog have no column for them.
"""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import CredentialError
from ..models.roles import ADMIN, require_role
from ..secret_store import open_plain


class FinanceCredentialEntry(models.TransientModel):
    _name = "finance.credential.entry"
    _description = "Entry of credentials"

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, ondelete="cascade"
    )
    line_ids = fields.One2many("finance.credential.entry.line", "entry_id", "Credentials")

    def action_close(self):
        """Close the dialog; the values were stored when it was saved. For finance admins."""
        require_role(self, ADMIN)
        self.check_access("write")
        return {"type": "ir.actions.act_window_close"}


class FinanceCredentialEntryLine(models.TransientModel):
    _name = "finance.credential.entry.line"
    _description = "Credential to enter"
    _order = "id"

    entry_id = fields.Many2one(
        "finance.credential.entry", required=True, readonly=True, ondelete="cascade"
    )
    name = fields.Char("Technical name", required=True, readonly=True)
    label = fields.Char("Credential", compute="_compute_declared")
    hint = fields.Char("Explanation", compute="_compute_declared")
    is_required = fields.Boolean("Required", compute="_compute_declared")
    is_secret = fields.Boolean("Secret", compute="_compute_declared")
    is_stored = fields.Boolean("Stored", compute="_compute_value")
    secret_value = fields.Char(
        "New secret",
        compute="_compute_value",
        inverse="_inverse_secret_value",
        help="Stored encrypted and never displayed again. Leave empty to keep the stored value.",
    )
    plain_value = fields.Char(
        "Value", compute="_compute_value", inverse="_inverse_plain_value", help="Stored encrypted."
    )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._forget_entered()
        return lines

    def write(self, vals):
        result = super().write(vals)
        self._forget_entered()
        return result

    def _forget_entered(self):
        """Leave no entered value in the cache: the call that stores it would return it."""
        self.invalidate_recordset(["secret_value", "plain_value", "is_stored"], flush=False)

    @api.depends("name", "entry_id.connection_id.provider")
    @api.depends_context("lang")
    def _compute_declared(self):
        for line in self:
            declared = line._declared()
            line.label = declared and self.env._(declared.label)
            line.hint = declared and declared.help and self.env._(declared.help)
            line.is_required = bool(declared and declared.required)
            line.is_secret = bool(declared and declared.secret)

    @api.depends("entry_id.connection_id.credential_ids")
    def _compute_value(self):
        for line in self:
            connection = line.entry_id.connection_id
            line.is_stored = connection._has_secret(line.name)
            line.secret_value = False
            line.plain_value = line._stored_plain()

    def _stored_plain(self):
        try:
            return open_plain(self.entry_id.connection_id, self.name) or False
        except CredentialError:
            # It is entered again.
            return False

    def _inverse_secret_value(self):
        for line in self.filtered("secret_value"):
            line._store(line.secret_value)

    def _inverse_plain_value(self):
        for line in self:
            if (line.plain_value or "") != (line._stored_plain() or ""):
                line._store(line.plain_value)

    def _store(self, value):
        if not self._declared():
            raise UserError(self.env._("The provider does not declare this credential."))
        self.entry_id.connection_id._set_secret(self.name, (value or "").strip())

    def action_remove(self):
        """Remove a stored credential. For finance admins."""
        require_role(self, ADMIN)
        for line in self:
            line._store("")
        return self.entry_id.connection_id.action_enter_credentials()

    def _declared(self):
        """Return what the provider's addon declares of this credential, None for nothing."""
        declared = self.entry_id.connection_id._adapter()._entered_credentials()
        return next((item for item in declared if item.name == self.name), None)
