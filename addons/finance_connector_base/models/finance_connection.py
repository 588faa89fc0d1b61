"""One company's account at one provider in one environment: settings, activation, secrets, webhook,
health.

Public surface for other code:

* ``_adapter``, ``_operation_of``: the provider's addon and what it declares, also after it was
uninstalled;
* ``_usable_for_sending``: which connections may be used. Clients and secrets are functions of
``secret_store``: no method of a record leads to them;
* ``_set_secret``, ``_has_secret``: store a secret, and whether there is one;
* ``_note_test``: what a test or a refused call showed about the connection;
* ``action_*``: the buttons, each of which checks its role.

Rate limits and the circuit breaker are in ``finance_throttle``.
"""

import hashlib
import logging
import secrets as random_secrets
import uuid

from odoo import Command, api, fields, models
from odoo.addons.finance_audit.core.address import parse_address
from odoo.addons.finance_audit.core.restricted import is_written_by_suite, refuse_private_entry
from odoo.addons.finance_audit.core.statement import Statement
from odoo.addons.finance_audit.network import network_policy
from odoo.exceptions import AccessError, UserError, ValidationError

from ..core import cases
from ..core.delivery import states
from ..core.delivery.health import share, short
from ..core.delivery.outcomes import CALL_ERRORS, Accepted, AuthFailed, ContractBroken
from ..core.delivery.queries import QUERIES, parameters
from ..core.finding import INFO, WARNING, Finding
from ..core.http.transport import ForbiddenAddress, check_address
from ..core.protocol import Operation
from ..core.security.masking import MaskingFilter
from ..core.security.webhook import is_standard_secret
from ..secret_store import (
    PREVIOUS_WEBHOOK_SECRET,
    WEBHOOK_SECRET,
    new_client,
    pooled_client,
    replace_webhook_secret,
    store_secret,
)
from .finance_client_certificate import CERTIFICATE_FACTS
from .roles import ADMIN, AUDITOR, OPERATOR, require_role

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: Least characters of a bearer token; the shortest Standard Webhooks secret is longer.
MIN_BEARER = 24
WEBHOOK_ROUTE = "/finance/webhook"
#: Providers registered this path with earlier versions; it leads to the same controller.
FORMER_WEBHOOK_ROUTE = "/finance/callback"

#: Set by tests, activation and the dispatcher only, with the value that a new connection has. A
#: default of a user or of the context does not count.
_SYSTEM_FIELDS = {
    "state": "draft",
    "last_test_result": "never",
    "last_test_at": False,
    "last_test_finding": False,
    "sealed_database": False,
    "blocking_finding": False,
    "webhook_token": False,
    "webhook_token_sha256": False,
    "uuid": False,
    "credential_ids": False,
    "throttle_ids": False,
    "exchange_ids": False,
    "webhook_event_ids": False,
    **dict.fromkeys(CERTIFICATE_FACTS, False),
    "feed_ids": False,
}
#: They have no column of their own on a connection, or are computed: no initial value is stored.
_NO_INITIAL = frozenset(
    {"webhook_token_sha256", "uuid", "credential_ids", "throttle_ids", "exchange_ids"}
    | {"webhook_event_ids", "feed_ids"}
)


class FinanceConnection(models.Model):
    _name = "finance.connection"
    _description = "Connection"
    _inherit = [
        "finance.audit.tracked.mixin",
        "finance.client.certificate.mixin",
        "finance.query.mixin",
    ]
    _order = "company_id, name"
    _check_company_auto = True
    _audit_tracked = (
        *(
            "name",
            "company_id",
            "provider",
            "environment",
            "base_url",
            "state",
            "receives_documents",
        ),
        *("client_certificate_subject", "client_certificate_sha256"),
    )

    # -- settings ----------------------------------------------------------------------------------
    # -------------

    name = fields.Char(required=True)
    uuid = fields.Char(
        "Identity",
        readonly=True,
        copy=False,
        help="Part of what the connection's secrets are bound to.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    provider = fields.Selection(
        selection=[],
        required=True,
        help="The external service to connect to. Providers are installed as addons.",
    )
    environment = fields.Selection(
        [("sandbox", "Sandbox"), ("test", "Test"), ("production", "Production")],
        required=True,
        default="test",
        help="Secrets are bound to the environment and must be entered again after a change.",
    )
    state = fields.Selection(
        [("draft", "Not activated"), ("active", "Active"), ("paused", "Paused")],
        "Status",
        required=True,
        default="draft",
        readonly=True,
        copy=False,
        help="Only an active connection sends. Exchanges of a paused connection are kept and sent later.",
    )
    base_url = fields.Char(
        "Base URL",
        help="Base URL of the provider's API, as given in its documentation. https is required.",
    )
    api_version = fields.Char("API version", compute="_compute_api_version")
    credential_ids = fields.One2many(
        "finance.credential",
        "connection_id",
        "Credentials",
        readonly=True,
        groups=ADMIN,
    )
    declares_credentials = fields.Boolean(
        "Credentials to enter", compute="_compute_declared_credentials", groups=ADMIN
    )
    missing_credentials = fields.Char(
        "Required credentials", compute="_compute_declared_credentials", groups=ADMIN
    )
    last_test_result = fields.Selection(
        [("never", "Not tested"), ("ok", "Passed"), ("failed", "Failed")],
        "Last test",
        default="never",
        required=True,
        readonly=True,
        copy=False,
    )
    last_test_at = fields.Datetime("Tested on", readonly=True, copy=False)
    last_test_finding = fields.Json("Test finding", readonly=True, copy=False)
    last_test_message = fields.Char("Test result", compute="_compute_messages")
    sealed_database = fields.Char(
        "Activated in database",
        readonly=True,
        copy=False,
        help="Identity of the database in which this connection was activated. A copy of the database has a different "
        "identity and cannot send.",
    )
    blocking_finding = fields.Json("Blocking finding", readonly=True, copy=False)
    last_block = fields.Char(
        "Blocking reason",
        compute="_compute_messages",
        help="Set by the dispatcher. Queued exchanges are kept until this is resolved.",
    )
    resource_ids = fields.One2many(
        "finance.resource",
        "connection_id",
        "Sessions and keys",
        readonly=True,
        groups="finance_connector_base.group_operator,finance_connector_base.group_admin,"
        "finance_audit.group_auditor",
    )
    exchange_ids = fields.One2many("finance.exchange", "connection_id", "Exchanges")
    open_count = fields.Integer("Open exchanges", compute="_compute_counts")
    attention_count = fields.Integer("Require attention", compute="_compute_counts")
    open_case_count = fields.Integer("Open cases", compute="_compute_open_case_count")
    inbound_count = fields.Integer("Inbound documents", compute="_compute_inbound_count")

    # -- webhook -----------------------------------------------------------------------------------
    # -------------

    webhook_scheme = fields.Selection(
        [("standard", "Signature (Standard Webhooks)"), ("bearer", "Bearer token")],
        "Webhook authentication",
        compute="_compute_webhook_scheme",
    )
    webhook_token = fields.Char("Webhook token", readonly=True, copy=False, groups=ADMIN)
    webhook_token_sha256 = fields.Char(
        "Webhook token hash",
        compute="_compute_webhook_token_sha256",
        store=True,
        copy=False,
        groups=fields.NO_ACCESS,
    )
    webhook_url = fields.Char(
        "Webhook URL",
        compute="_compute_webhook_url",
        groups=ADMIN,
        help="Register this URL with the provider. Every request is verified, so the URL itself is not a secret.",
    )
    webhook_secret = fields.Char(
        "Webhook secret",
        compute="_compute_webhook_secret",
        inverse="_inverse_webhook_secret",
        groups=ADMIN,
        help="Stored encrypted and never displayed again. After a replacement the previous secret remains valid until "
        "it is revoked.",
    )
    webhook_secret_is_set = fields.Boolean(
        "Webhook secret stored", compute="_compute_webhook_secret", groups=ADMIN
    )
    webhook_previous_is_set = fields.Boolean(
        "Previous webhook secret valid", compute="_compute_webhook_secret", groups=ADMIN
    )
    webhook_event_ids = fields.One2many(
        "finance.webhook.event", "connection_id", "Webhook events", readonly=True
    )
    receives_documents = fields.Boolean(
        "Receive documents",
        default=True,
        help="Read the feeds of the provider. Only one system should read those of an account where the "
        "provider delivers each document once.",
    )
    has_feeds = fields.Boolean("Has feeds", compute="_compute_has_feeds", exportable=False)
    feed_ids = fields.One2many(
        "finance.feed",
        "connection_id",
        "Feeds",
        readonly=True,
        groups=f"{OPERATOR},{ADMIN},{AUDITOR}",
    )

    # -- health ------------------------------------------------------------------------------------
    # -------------

    depth = fields.Integer(
        "Queue depth",
        compute="_compute_depth",
        help="Exchanges that are not settled: pending, sending, waiting for a verdict, unknown or on hold.",
    )
    in_flight = fields.Integer(
        "In-flight calls",
        compute="_compute_depth",
        help="Calls that dispatcher workers are performing at the moment.",
    )
    oldest_wait = fields.Char(
        "Oldest exchange",
        compute="_compute_depth",
        help="Age of the oldest exchange whose receipt the provider has not confirmed.",
    )
    hour_calls = fields.Integer("Calls (last hour)", compute="_compute_hour")
    hour_errors = fields.Integer("Errors (last hour)", compute="_compute_hour")
    hour_error_rate = fields.Float(
        "Error rate",
        compute="_compute_hour",
        help="Share of calls in the last hour without a usable response. Rejected documents and rate limits are "
        "responses and do not count.",
    )
    hour_p95 = fields.Integer(
        "p95 latency (ms)",
        compute="_compute_hour",
        help="95th-percentile latency over the last hour.",
    )
    is_paused_by_provider = fields.Boolean(
        "Paused by provider", compute="_compute_is_paused_by_provider"
    )

    _webhook_token_unique = models.UniqueIndex("(webhook_token_sha256)")

    @api.depends("provider")
    def _compute_api_version(self):
        for connection in self:
            connection.api_version = connection._adapter()._api_version or False

    @api.depends("provider", "credential_ids")
    @api.depends_context("lang")
    def _compute_declared_credentials(self):
        for connection in self:
            adapter = connection._adapter()
            connection.declares_credentials = bool(adapter._entered_credentials())
            connection.missing_credentials = ", ".join(adapter._missing_credentials(connection))

    @api.depends("last_test_finding", "blocking_finding")
    @api.depends_context("lang")
    def _compute_messages(self):
        for connection in self:
            connection.last_test_message = connection._message_of(connection.last_test_finding)
            connection.last_block = connection._message_of(connection.blocking_finding)

    def _message_of(self, finding):
        return self.env["finance.finding"]._render(finding)[0] if finding else False

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

    def _compute_open_case_count(self):
        counts = dict(
            self.env["finance.case"]._read_group(
                [("connection_id", "in", self.ids), ("state", "=", "open")],
                ["connection_id"],
                ["__count"],
            )
        )
        for connection in self:
            connection.open_case_count = counts.get(connection._origin, 0)

    def _compute_inbound_count(self):
        counts = dict(
            self.env["finance.inbound"]._read_group(
                [("connection_id", "in", self.ids)], ["connection_id"], ["__count"]
            )
        )
        for connection in self:
            connection.inbound_count = counts.get(connection._origin, 0)

    @api.depends("provider")
    def _compute_webhook_scheme(self):
        for connection in self:
            connection.webhook_scheme = connection._adapter()._webhook_scheme or False

    @api.depends("provider")
    def _compute_has_feeds(self):
        for connection in self:
            connection.has_feeds = bool(connection._adapter()._feeds)

    @api.depends("webhook_token")
    def _compute_webhook_token_sha256(self):
        for connection in self:
            connection.webhook_token_sha256 = _digest(connection.webhook_token)

    @api.depends("webhook_token")
    def _compute_webhook_url(self):
        for connection in self:
            token = connection.webhook_token
            connection.webhook_url = token and f"{connection.get_base_url()}{WEBHOOK_ROUTE}/{token}"

    @api.depends("credential_ids")
    def _compute_webhook_secret(self):
        for connection in self:
            connection.webhook_secret = False
            connection.webhook_secret_is_set = connection._has_secret(WEBHOOK_SECRET)
            connection.webhook_previous_is_set = connection._has_secret(PREVIOUS_WEBHOOK_SECRET)

    def _inverse_webhook_secret(self):
        for connection in self.filtered("webhook_secret"):
            secret = connection.webhook_secret.strip()
            connection._check_webhook_secret(secret)
            former = replace_webhook_secret(connection, secret)
            if former:
                connection._set_secret(PREVIOUS_WEBHOOK_SECRET, former)
            connection._set_secret(WEBHOOK_SECRET, secret)

    def _check_webhook_secret(self, secret):
        if self.webhook_scheme == "standard" and not is_standard_secret(secret):
            raise ValidationError(
                self.env._(
                    "Not a valid Standard Webhooks secret: “whsec_” followed by 24 to 64 bytes in base64 is required."
                )
            )
        if len(secret) < MIN_BEARER:
            raise ValidationError(
                self.env._("A webhook secret must have at least %s characters.", MIN_BEARER)
            )

    def _compute_depth(self):
        self.env["finance.exchange"].flush_model()
        rows = self._health_rows("health_depth")
        for connection in self:
            depth, in_flight, age = rows.get(connection._origin.id, (0, 0, None))
            connection.depth = depth
            connection.in_flight = in_flight
            connection.oldest_wait = short(age) if age is not None else False

    def _compute_hour(self):
        self.env["finance.exchange.attempt"].flush_model()
        rows = self._health_rows("health_calls", errors=list(CALL_ERRORS))
        for connection in self:
            calls, errors, p95 = rows.get(connection._origin.id, (0, 0, None))
            connection.hour_calls = calls
            connection.hour_errors = errors
            connection.hour_error_rate = share(errors, calls)
            connection.hour_p95 = round(p95 or 0)

    def _health_rows(self, name, **values):
        """Return rows of one statement for all connections, by connection id."""
        self.env.cr.execute(QUERIES[name], parameters(connections=self._origin.ids, **values))
        return {row[0]: row[1:] for row in self.env.cr.fetchall()}

    @api.depends("not_before")
    def _compute_is_paused_by_provider(self):
        now = fields.Datetime.now()
        for connection in self:
            connection.is_paused_by_provider = bool(
                connection.not_before and connection.not_before > now
            )

    # -- rules of change
    # ----------------------------------------------------------------------------------------

    @api.constrains("base_url", "environment", "provider")
    def _check_base_url(self):
        self._check_addresses("base_url")

    def _check_addresses(self, name):
        """Refuse addresses in a field that these connections may not call; called by constraints."""
        for connection in self.filtered(name):
            try:
                connection._check_address(connection[name])
            except ForbiddenAddress as error:
                raise ValidationError(
                    self.env._(
                        "“%(field)s” cannot be used: %(reason)s. An address consists of https://, a public host name "
                        "of the provider and a path; exceptions are set by the administrator of the server.",
                        field=self._fields[name]._description_string(self.env),
                        reason=error,
                    )
                ) from error

    def _check_address(self, url):
        """Return the parts of an address that this connection may call.

        :raises ForbiddenAddress: the address is not permitted.
        """
        return check_address(url, self.environment, network_policy(), self._provider_hosts())

    def _provider_hosts(self):
        """Return patterns of the hosts that the provider declares for this environment."""
        return self._adapter()._hosts.get(self.environment, ())

    @api.model_create_multi
    def create(self, vals_list):
        initial = {name: value for name, value in _SYSTEM_FIELDS.items() if name not in _NO_INITIAL}
        for vals in vals_list:
            self._refuse_system_fields(vals)
        connections = super().create(
            [{**initial, **vals, "uuid": str(uuid.uuid4())} for vals in vals_list]
        )
        connections._forget_entered({name for vals in vals_list for name in vals})
        return connections

    def write(self, vals):
        self._refuse_system_fields(vals)
        if "company_id" in vals:
            self._refuse_other_company(vals["company_id"])
        self._forget_secrets(vals)
        result = super().write(vals)
        self._forget_entered(vals)
        return result

    def _forget_entered(self, names):
        """Leave no entered secret in the cache: the call that stores one would return it."""
        entered = [
            name
            for name in names
            if (field := self._fields.get(name)) and field.inverse and not field.store
        ]
        self.invalidate_recordset(entered, flush=False)

    @api.model
    def _address_fields(self):
        """Return the names of the fields that hold addresses secrets are sent to; providers add
        theirs.
        """
        return ["base_url"]

    def _refuse_system_fields(self, vals):
        """Tests, activation and the webhook URL are made by their buttons; a written value would
        prove nothing, whatever the rights of the user.
        """
        touched = _SYSTEM_FIELDS.keys() & set(vals)
        if touched and not (self.env.su and is_written_by_suite()):
            labels = [self._fields[name]._description_string(self.env) for name in sorted(touched)]
            raise AccessError(
                self.env._("Set by the system and not editable: %s.", ", ".join(labels))
            )

    def _refuse_other_company(self, company_id):
        if self.filtered(lambda connection: connection.company_id.id != company_id):
            raise UserError(
                self.env._(
                    "The company of a connection cannot be changed. Create a new connection."
                )
            )

    def _forget_secrets(self, vals):
        """Remove secrets and the test result where provider, environment or the origin of an
        address changes: they were given for the former one (F6).
        """
        changed = self.filtered(lambda connection: connection._is_moved_by(vals)).sudo()
        if changed:
            self.env["finance.resource.release"]._order_for(changed)
            changed.credential_ids.unlink()
            changed.client_certificate_id = False
            changed._forget_certificate_facts()
            changed.filtered(lambda connection: connection.state == "active").state = "paused"
            changed.last_test_result = "never"

    def _is_moved_by(self, vals):
        return any(
            name in vals and (self[name] or "") != (vals[name] or "")
            for name in ("environment", "provider")
        ) or any(
            name in vals and _origin(self[name]) != _origin(vals[name])
            for name in self._address_fields()
        )

    # -- the actions of the screens
    # -----------------------------------------------------------------------------

    def action_test(self):
        """Call the provider without effect and show the result. For finance admins."""
        self.ensure_one()
        require_role(self, ADMIN)
        finding = self._missing_settings() or self._probe()
        self._note_test(finding)
        if not finding:
            self.env["finance.throttle"].sudo()._reset(self.ids)
        self.env["finance.audit.entry"]._record(
            action="connection.tested",
            record=self,
            company=self.company_id,
            outcome="failure" if finding else "success",
            statement=finding or Finding("connection.works", INFO),
        )
        return True

    def _probe(self):
        finding = self._client_finding()
        if finding:
            return finding
        client = None
        try:
            client = new_client(self)
            return self._finding_of(client.probe().outcome)
        except Exception as error:
            # The adapter's code on a provider's bytes.
            _logger.exception("the test of connection %s failed unexpectedly", self.id)
            return Finding("connection.adapter_failed", args={"error": type(error).__name__})
        finally:
            if client:
                client.close()

    def action_enter_credentials(self):
        """Open the dialog in which the declared credentials are entered. For finance admins."""
        self.ensure_one()
        require_role(self, ADMIN)
        self.check_access("write")
        lines = [
            Command.create({"name": item.name}) for item in self._adapter()._entered_credentials()
        ]
        entry = self.env["finance.credential.entry"].create(
            {"connection_id": self.id, "line_ids": lines}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Credentials"),
            "res_model": entry._name,
            "res_id": entry.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_activate(self):
        """Start sending; the connection must have passed its test. For finance admins."""
        require_role(self, ADMIN)
        for connection in self:
            missing = connection._missing_settings()
            if missing:
                raise UserError(connection._message_of(missing))
            if connection.last_test_result != "ok":
                raise UserError(
                    self.env._(
                        "The connection “%s” has not passed its test. Test it before activation.",
                        connection.name,
                    )
                )
        self.sudo().write(
            {
                "state": "active",
                "sealed_database": self._database_uuid(),
                "blocking_finding": False,
            }
        )
        self.env["finance.resource.release"]._withdraw(self)
        self.env["finance.throttle"].sudo()._reset(self.ids)
        self.env["finance.exchange"]._wake_dispatcher()
        return True

    def action_pause(self):
        """Stop sending; queued exchanges are kept. For finance admins and operators."""
        require_role(self, ADMIN, OPERATOR)
        self.env["finance.resource.release"]._order_for(self, is_of_pause=True)
        self.sudo().write({"state": "paused"})
        return True

    def action_resume(self):
        """Send again after a pause. For operators and finance admins.

        Only where nothing has to be set up or tested: a finance admin activates, an operator only
        resumes.

        :raises UserError: the connection is not paused, its last test failed, or this database may
            not send.
        """
        require_role(self, OPERATOR, ADMIN)
        for connection in self.sudo():
            obstacle = connection._obstacle_to_resuming()
            if obstacle:
                raise UserError(obstacle)
        self.sudo().write({"state": "active", "blocking_finding": False})
        self.env["finance.resource.release"]._withdraw(self)
        self.env["finance.exchange"]._wake_dispatcher()
        return True

    def _obstacle_to_resuming(self):
        """Return why a finance admin must act first; empty when sending may simply continue."""
        self.ensure_one()
        if self.state != "paused":
            return self.env._("“%s” is not paused.", self.name)
        if self.last_test_result != "ok":
            return self.env._(
                "“%s” has not passed its last test. A finance admin must test and activate it.",
                self.name,
            )
        return self._message_of(self._blocking_finding() or self._missing_settings()) or ""

    def action_view_exchanges(self):
        """Open the exchanges of this connection."""
        return self._action_about_me("finance_connector_base.finance_exchange_action")

    def action_view_open(self):
        """Open the unsettled exchanges of this connection."""
        return {**self.action_view_exchanges(), "context": {"search_default_open": 1}}

    def action_view_hour(self):
        """Open the calls of the last hour."""
        action = self._action_about_me("finance_connector_base.finance_exchange_attempt_action")
        return {**action, "context": {"search_default_last_hour": 1}}

    def action_view_cases(self):
        """Open the open cases of this connection."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["finance.case"]._action_of([("connection_id", "=", self.id)])
        return {**action, "context": {"search_default_open": 1}}

    def action_view_webhook_events(self):
        """Open the webhook events of this connection."""
        return self._action_about_me("finance_connector_base.finance_webhook_event_action")

    def action_view_inbound(self):
        """Open the inbound documents of this connection."""
        return self._action_about_me("finance_connector_base.finance_inbound_action")

    def _action_about_me(self, xml_id):
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(xml_id)
        return {**action, "domain": [("connection_id", "=", self.id)]}

    def action_renew_webhook_token(self):
        """Generate a new webhook URL; the former one stops working at once. For finance admins."""
        require_role(self, ADMIN)
        for connection in self:
            connection.sudo().webhook_token = random_secrets.token_urlsafe(32)
            connection._audit_webhook("webhook_url.generated")
        return True

    def action_close_webhook(self):
        """Remove the webhook URL. For finance admins."""
        require_role(self, ADMIN)
        for connection in self:
            connection.sudo().webhook_token = False
            connection._audit_webhook("webhook_url.removed")
        return True

    def action_revoke_previous_webhook_secret(self):
        """End a rotation: only the newest secret is accepted. For finance admins."""
        require_role(self, ADMIN)
        for connection in self:
            connection._set_secret(PREVIOUS_WEBHOOK_SECRET, "")
        return True

    def _audit_webhook(self, code):
        self.env["finance.audit.entry"]._record(
            action=code, record=self, company=self.company_id, statement=Finding(code, INFO)
        )

    # -- the provider
    # -------------------------------------------------------------------------------------------

    def _adapter(self):
        """Return the provider's adapter; the bare ancestor, which offers nothing, if its addon is
        not installed.
        """
        name = f"finance.adapter.{self.provider}"
        return self.env[name if name in self.env else "finance.adapter"]

    def _operation_of(self, name):
        """Return the declared operation, or one that permits nothing where the provider does not
        declare it.
        """
        for operation in self._adapter()._operations:
            if operation.name == name:
                return operation
        return Operation(name, repeat="nothing")

    @api.model
    def _usable_for_sending(self):
        """Return active connections whose address, secrets and database are in order; note the
        reason on the others.

        A connection that cannot send costs its exchanges no attempt.
        """
        usable = self.browse()
        for connection in self.search([("state", "=", "active")]):
            if not connection._is_provider_installed():
                connection._pause_without_provider()
                continue
            finding = connection._blocking_finding() or connection._client_finding()
            stored = finding.to_json() if finding else None
            if stored != (connection.blocking_finding or None):
                connection._note_block(finding)
            if not finding:
                usable += connection
        return usable

    def _is_provider_installed(self):
        return f"finance.adapter.{self.provider}" in self.env

    def _pause_without_provider(self):
        """Pause a connection whose provider's addon was uninstalled; noted once, not in every
        round.
        """
        self.state = "paused"
        self._note_block(
            Finding("connection.provider_missing", args={"provider": self.provider or ""})
        )

    @api.model
    def _retire_provider(self, provider):
        """Bring the connections of a provider to rest, before its addon is uninstalled.

        Exchanges that certainly had no effect are cancelled, so that their documents can take
        another way. The outcome of the others stays unknown: an operator decides on it in a case,
        since no status check is possible any more.
        """
        connections = self.search([("provider", "=", provider)])
        for connection in connections.filtered(lambda item: item.state == "active"):
            connection._pause_without_provider()
        finding = Finding("connection.provider_missing", args={"provider": provider})
        unsettled = self.env["finance.exchange"].search(
            [("connection_id", "in", connections.ids), ("state", "in", list(states.OPEN))]
        )
        unsettled.lock_for_update()
        unsent = unsettled.filtered(
            lambda item: item.state in (states.PENDING, states.HELD) and not item.maybe_sent
        )
        unsent._transition(states.CANCELLED, finding)
        in_doubt = unsettled - unsent
        for exchange in in_doubt:
            doubtful = states.FAILED if exchange.state == states.PENDING else states.UNKNOWN
            exchange._transition(doubtful, finding, case=cases.UNRESOLVED)
        unsettled._notify_documents()

    def _client_finding(self):
        try:
            pooled_client(self)
        except UserError as error:
            return Finding("text", args={"text": str(error)})
        except Exception as error:
            # A provider addon that fails stops its own connections and no others.
            _logger.exception("connection %s cannot be used", self.id)
            return Finding("connection.adapter_failed", args={"error": type(error).__name__})
        return None

    def _note_block(self, finding):
        self.blocking_finding = finding.to_json() if finding else False
        self.env["finance.audit.entry"]._record(
            action="connection.blocked" if finding else "connection.unblocked",
            record=self,
            company=self.company_id,
            outcome="warning" if finding else "info",
            statement=finding or Finding("connection.unblocked", INFO),
        )

    def _blocking_finding(self):
        """Return why this database may not send through this connection, or None (R40)."""
        self.ensure_one()
        return self._database_finding() or self._address_finding() or self._certificate_finding()

    def _database_finding(self):
        """Return why nothing may be sent from this database, or None (R40)."""
        if self.sealed_database != self._database_uuid():
            return Finding("connection.database_copy")
        neutralized = self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized")
        if neutralized and self.environment == "production":
            return Finding("connection.database_neutralized")
        return None

    def _address_finding(self):
        """Return why an address of this connection may not be called, or None."""
        for name in self._address_fields():
            try:
                if self[name]:
                    self._check_address(self[name])
            except ForbiddenAddress as error:
                return Finding("connection.address_refused", args={"reason": str(error)})
        return None

    def _missing_settings(self):
        """Return a finding that names the settings still required, or None."""
        if not self._is_provider_installed():
            return Finding("connection.provider_missing", args={"provider": self.provider or ""})
        missing = self._adapter()._missing_settings(self)
        return (
            Finding("connection.settings_missing", args={"fields": ", ".join(missing)})
            if missing
            else None
        )

    @api.model
    def _finding_of(self, outcome):
        """Return what the outcome of a probe or a call means for the connection; None when it
        works.
        """
        if isinstance(outcome, Accepted):
            return None
        code = "connection.unavailable"
        if isinstance(outcome, AuthFailed):
            code = "connection.credentials_refused"
        elif isinstance(outcome, ContractBroken):
            code = "connection.unexpected_response"
        return Finding(code, args={"reason": outcome.reason})

    def _note_test(self, finding=None):
        """Store what a test or a refused call showed, and open or close the case about the
        credentials.

        :param finding: what is wrong; without one the connection works
        """
        refuse_private_entry()
        self.sudo().write(
            {
                "last_test_at": fields.Datetime.now(),
                "last_test_result": "failed" if finding else "ok",
                "last_test_finding": (finding or Finding("connection.works", WARNING)).to_json(),
            }
        )
        if finding is None:
            self.env["finance.case"]._close_for(self, kinds=[cases.CREDENTIALS])
        elif finding.code == "connection.credentials_refused" and self.state != "draft":
            self.env["finance.case"].sudo()._open_for(self, cases.CREDENTIALS, finding)

    def _database_uuid(self):
        return self.env["ir.config_parameter"].sudo().get_param("database.uuid")

    # -- secrets -----------------------------------------------------------------------------------
    # -------------

    def _set_secret(self, purpose, secret):
        """Store or remove one secret. The caller has checked that the user may write the
        connection.
        """
        self.ensure_one()
        self.check_access("write")
        if purpose not in (WEBHOOK_SECRET, PREVIOUS_WEBHOOK_SECRET):
            self.env["finance.resource.release"]._order_for(self)
        action = store_secret(self, purpose, secret)
        kind = {
            WEBHOOK_SECRET: "webhook_secret",
            PREVIOUS_WEBHOOK_SECRET: "previous_webhook_secret",
        }.get(purpose, purpose)
        plain = self.with_context(lang="en_US")._adapter()._credential_label(purpose)
        label = {"code": f"secret.{kind}", "args": {}, "text": plain}
        about = {"purpose": label, "name": self.name}
        self.env["finance.audit.entry"]._record(
            action=f"credential.{action}",
            record=self,
            company=self.company_id,
            statement=Statement(f"credential.{action}", about),
        )

    def _has_secret(self, purpose):
        return purpose in self.sudo().credential_ids.mapped("purpose")

    @api.model
    def _by_webhook_token(self, token):
        """Return the connection with this webhook token, if any; looked up by hash against timing
        attacks.
        """
        if not token:
            return self.sudo().browse()
        return self.sudo().search([("webhook_token_sha256", "=", _digest(token))], limit=1)


def _digest(token):
    return token and hashlib.sha256(token.encode()).hexdigest()


def _origin(url):
    """Return scheme, host and port of an address: what a secret is given for."""
    try:
        return parse_address(url or "").origin
    except ForbiddenAddress:
        return url
