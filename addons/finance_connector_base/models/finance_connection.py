"""One company's account at one provider in one environment."""

import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..core.delivery import states
from ..core.delivery.outcomes import Accepted, AuthFailed, ContractBroken
from ..core.http.client import Courier
from ..core.http.client_pool import CourierPool
from ..core.http.transport import ForbiddenAddress, Transport, check_address
from ..core.security.masking import MaskingFilter

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())
_couriers = CourierPool()


class FinanceConnection(models.Model):
    _name = "finance.connection"
    _description = "Connection"
    _inherit = ["finance.audit.tracked.mixin"]
    _order = "company_id, name"
    _check_company_auto = True
    _audit_tracked = (
        "name",
        "company_id",
        "provider",
        "environment",
        "base_url",
        "state",
    )

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    provider = fields.Selection(
        selection=[],
        required=True,
        help="Who is called. Each provider is an addon; install it to see it here.",
    )
    environment = fields.Selection(
        [("sandbox", "Sandbox"), ("test", "Test"), ("production", "Production")],
        required=True,
        default="test",
        help="Secrets are bound to the environment: after a change they must be entered again.",
    )
    state = fields.Selection(
        [("draft", "Not activated"), ("active", "Active"), ("paused", "Paused")],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        help="Only an active connection sends. What is waiting on a paused one is kept and sent later.",
    )
    base_url = fields.Char(
        "Address",
        help="Base address of the provider's interface, as given in its documentation. https is required.",
    )
    api_version = fields.Char(compute="_compute_api_version", string="Interface version")
    credential_ids = fields.One2many(
        "finance.credential",
        "connection_id",
        readonly=True,
        groups="finance_connector_base.group_admin",
    )
    last_test_result = fields.Selection(
        [("never", "Not tested"), ("ok", "Works"), ("failed", "Does not work")],
        default="never",
        required=True,
        readonly=True,
        copy=False,
        string="Last test",
    )
    last_test_at = fields.Datetime("Tested at", readonly=True, copy=False)
    last_test_message = fields.Char("Test message", readonly=True, copy=False)
    sealed_database = fields.Char(
        readonly=True,
        copy=False,
        help="Identity of the database in which this connection was activated. A copy of the database has another "
        "identity and cannot send.",
    )
    last_block = fields.Char(
        "Why it does not send",
        readonly=True,
        copy=False,
        help="Found out by the dispatcher; what is waiting is kept until this is mended.",
    )
    exchange_ids = fields.One2many("finance.exchange", "connection_id")
    open_count = fields.Integer(compute="_compute_counts", string="Open exchanges")
    attention_count = fields.Integer(compute="_compute_counts", string="Need attention")

    @api.depends("provider")
    def _compute_api_version(self):
        for connection in self:
            adapter = connection._adapter() if connection.provider else None
            connection.api_version = adapter._api_version if adapter is not None else False

    def _compute_counts(self):
        counts = {
            (connection.id, state): number
            for connection, state, number in self.env["finance.exchange"]._read_group(
                [
                    ("connection_id", "in", self.ids),
                    ("state", "in", {*states.OPEN, *states.ATTENTION}),
                ],
                ["connection_id", "state"],
                ["__count"],
            )
        }
        for connection in self:
            of = {state: counts.get((connection.id, state), 0) for state, _label in states.LABELS}
            connection.open_count = sum(of[state] for state in states.OPEN)
            connection.attention_count = sum(of[state] for state in states.ATTENTION)

    @api.constrains("base_url", "environment")
    def _check_base_url(self):
        for connection in self.filtered("base_url"):
            try:
                check_address(connection.base_url, connection.environment)
            except ForbiddenAddress as error:
                raise ValidationError(
                    self.env._(
                        "The address %(address)s cannot be used: it must begin with https:// "
                        "(plain http only to this machine, in the sandbox environment).",
                        address=str(error),
                    )
                ) from error

    def write(self, vals):
        if "environment" in vals:
            changed = self.filtered(
                lambda connection: connection.environment != vals["environment"]
            )
            # Secrets of one environment must not be used in another (the ciphertext would not open either).
            changed.sudo().credential_ids.unlink()
            changed.filtered(lambda connection: connection.state == "active").state = "paused"
            # Nor does a test of one environment say anything about another.
            changed.last_test_result = "never"
        return super().write(vals)

    def action_test(self):
        """Ask the provider something harmless and show the answer. Callable by finance admins."""
        self.ensure_one()
        self._check_admin()
        message = self._missing_message()
        if not message:
            courier = self._courier()
            try:
                outcome = courier.probe().outcome
            finally:
                courier.close()
            message = self._words_of_probe(outcome)
        self._note_test(message)
        if not message:
            self.env["finance.throttle"].sudo()._reset(self.ids)
        self.env["finance.audit.entry"]._record(
            action="connection.tested",
            record=self,
            company=self.company_id,
            outcome="failure" if message else "success",
            summary=self.last_test_message,
        )
        return True

    def action_activate(self):
        """Start sending. Callable by finance admins; the connection must have passed its test."""
        self._check_admin()
        for connection in self:
            missing = connection._missing_message()
            if missing:
                raise UserError(missing)
            if connection.last_test_result != "ok":
                raise UserError(
                    self.env._(
                        "Test the connection “%s” first: it was not seen to work.",
                        connection.name,
                    )
                )
        self.write(
            {
                "state": "active",
                "sealed_database": self._database_uuid(),
                "last_block": False,
            }
        )
        self.env["finance.throttle"].sudo()._reset(self.ids)
        self.env["finance.exchange"]._wake_dispatcher()
        return True

    def action_pause(self):
        """Stop sending; what is waiting is kept. Callable by finance admins and operators."""
        self._check_group("group_admin", "group_operator")
        self.sudo().write({"state": "paused"})
        return True

    def action_view_exchanges(self):
        """The exchanges of this connection."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "finance_connector_base.finance_exchange_action"
        )
        return {**action, "domain": [("connection_id", "=", self.id)]}

    def _words_of_probe(self, outcome):
        """What a probe found, as a sentence that says where to look; empty when all is well."""
        _ = self.env._
        if isinstance(outcome, Accepted):
            return ""
        if isinstance(outcome, AuthFailed):
            return _(
                "The provider refuses the credentials: check client ID and secret (%s).",
                outcome.reason,
            )
        if isinstance(outcome, ContractBroken):
            return _(
                "Something answers, but not the provider's interface: check the address (%s).",
                outcome.reason,
            )
        return _(
            "The provider cannot be used at the moment: check the address, or try later (%s).",
            outcome.reason,
        )

    def _note_test(self, message):
        self.write(
            {
                "last_test_at": fields.Datetime.now(),
                "last_test_result": "failed" if message else "ok",
                "last_test_message": message
                or self.env._("The provider answered and accepts the credentials."),
            }
        )

    def _missing_message(self):
        missing = self._adapter()._missing_settings(self)
        if not missing:
            return ""
        return self.env._("Please fill first: %s.", ", ".join(missing))

    def _adapter(self):
        return self.env[f"finance.adapter.{self.provider}"]

    def _courier(self):
        """A new courier for this connection; the caller closes it."""
        self.ensure_one()
        return Courier(self._adapter()._protocol(self), Transport(self.environment))

    def _pooled_courier(self):
        """This process's courier for the connection; rebuilt when a setting or a secret has changed."""
        self.ensure_one()
        credentials = self.sudo().credential_ids
        version = (
            self.write_date,
            tuple((item.id, item.ciphertext) for item in credentials.sorted("id")),
        )
        return _couriers.get((self.env.cr.dbname, self.id), version, self._courier)

    @api.model
    def _usable_for_sending(self):
        """Active connections whose address, secrets and database are in order; the others say why not.

        A connection that cannot send costs its exchanges no attempt.
        """
        usable = self.browse()
        for connection in self.search([("state", "=", "active")]):
            reason = connection._blocking_reason() or connection._courier_error()
            if reason != (connection.last_block or ""):
                connection._note_block(reason)
            if not reason:
                usable += connection
        return usable

    def _courier_error(self):
        try:
            self._pooled_courier()
        except UserError as error:
            return str(error)
        except Exception as error:
            # A provider addon that breaks stops its own connections and nobody else's.
            _logger.exception("connection %s cannot be used", self.id)
            return self.env._("The provider's addon broke (%s): see the log.", type(error).__name__)
        return ""

    def _note_block(self, reason):
        self.last_block = reason
        self.env["finance.audit.entry"]._record(
            action="connection.blocked" if reason else "connection.unblocked",
            record=self,
            company=self.company_id,
            outcome="warning" if reason else "info",
            summary=reason or self.env._("The connection sends again"),
        )

    def _database_uuid(self):
        return self.env["ir.config_parameter"].sudo().get_param("database.uuid")

    def _blocking_reason(self):
        """Why this database may not send through this connection; empty when it may (R40)."""
        self.ensure_one()
        if self.sealed_database != self._database_uuid():
            return self.env._(
                "This database is a copy: the connection was activated in another one. "
                "Activate it here if this database is meant to send."
            )
        neutralized = self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized")
        if neutralized and self.environment == "production":
            return self.env._("This database is neutralized: it does not send to production.")
        return ""

    def _set_secret(self, purpose, secret):
        """Store or clear one secret. The caller has checked that the user may write the connection."""
        self.ensure_one()
        self.check_access("write")
        credentials = self.sudo().credential_ids
        credential = credentials.filtered(lambda item: item.purpose == purpose)
        action = "changed" if credential else "set"
        if not secret:
            credential.unlink()
            action = "cleared"
        else:
            credential = credential or credentials.create(
                {"connection_id": self.id, "purpose": purpose}
            )
            credential._seal(secret)
        self.env["finance.audit.entry"]._record(
            action=f"credential.{action}",
            record=self,
            company=self.company_id,
            summary=self.env._(
                "Secret “%(purpose)s” of connection %(name)s %(action)s",
                purpose=purpose,
                name=self.name,
                action=action,
            ),
        )

    def _secret(self, purpose):
        """One secret in clear, for the adapter. Private: no RPC reaches it."""
        self.ensure_one()
        credential = self.sudo().credential_ids.filtered(lambda item: item.purpose == purpose)
        return credential._open() if credential else ""

    def _has_secret(self, purpose):
        return purpose in self.sudo().credential_ids.mapped("purpose")

    def _check_admin(self):
        self._check_group("group_admin")

    def _check_group(self, *names):
        if not any(self.env.user.has_group(f"finance_connector_base.{name}") for name in names):
            raise AccessError(self.env._("This needs the role “Finance admin” of Finance Connect."))
        self.check_access("read")
