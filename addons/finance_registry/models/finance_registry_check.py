"""The state of one partner's VAT number for one company, and the queue of checks.

Proof numbers belong to the company that asked. A row holds the last definite result separately from
the last attempt: a number that was confirmed stays usable with its proof while the registry is
unavailable, until its validity ends. A row counts only for the number it was made for.
"""

import logging
from datetime import timedelta

import psycopg2
from odoo import api, fields, models
from odoo.addons.finance_audit.core.restricted import is_written_by_suite
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.query import QueryReply
from odoo.addons.finance_connector_base.core.security.masking import MaskingFilter
from odoo.exceptions import AccessError

from ..core.numbers import registry_of

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

CHECK = "check_number"
#: Seconds a user or the scheduled job waits for one answer.
DEADLINE_SECONDS = 12.0
#: Checks of one run of the scheduled job.
_AT_ONCE = 100
#: A number that could not be asked is asked again after this time, doubled each time. At most an
#: hour, so that a member state that answers only by day is asked in its first hour.
_FIRST_RETRY = timedelta(minutes=5)
_LAST_RETRY = timedelta(hours=1)
_MAX_DOUBLINGS = 4
#: Before its end a result is asked for again.
_RECHECK = timedelta(days=3)
#: Codes of reasons that no repetition removes.
_SETTLED = ("registry.no_number", "registry.no_registry")


class FinanceRegistryCheck(models.Model):
    _name = "finance.registry.check"
    _description = "VAT number check"
    _order = "company_id, partner_id"
    _rec_name = "number"

    partner_id = fields.Many2one(
        "res.partner", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="cascade"
    )
    number = fields.Char("VAT number", readonly=True)
    result_id = fields.Many2one(
        "finance.query.result", "Last answer", readonly=True, ondelete="restrict"
    )
    last_result_id = fields.Many2one(
        "finance.query.result", "Last check", readonly=True, ondelete="restrict"
    )
    state = fields.Selection(
        [
            ("unchecked", "Not checked"),
            ("valid", "Valid"),
            ("invalid", "Invalid"),
            ("unavailable", "Could not be checked"),
        ],
        "Status",
        compute="_compute_state",
    )
    proof = fields.Char("Proof number", related="result_id.proof")
    checked_at = fields.Datetime("Checked on", related="result_id.asked_at")
    valid_until = fields.Datetime("Check valid until", readonly=True)
    finding = fields.Json("Reason (code)", readonly=True)
    reason_text = fields.Char("Reason", compute="_compute_reason_text")
    is_requested = fields.Boolean("Check requested", readonly=True, index=True)
    next_at = fields.Datetime("Next check", readonly=True, index=True)
    failed_checks = fields.Integer("Checks without answer", readonly=True)

    _partner_company = models.UniqueIndex("(partner_id, company_id)")

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_foreign_write()
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_foreign_write()
        return super().write(vals)

    def _refuse_foreign_write(self):
        """Refuse what does not come from the code of the suite, whatever the rights."""
        if not is_written_by_suite():
            raise AccessError(self.env._("The state of a VAT number is set by its check."))

    @api.depends("result_id", "valid_until", "finding")
    def _compute_state(self):
        now = fields.Datetime.now()
        for check in self:
            if check.result_id and check.valid_until and check.valid_until > now:
                check.state = check.result_id.state
            else:
                check.state = "unavailable" if check.finding else "unchecked"

    @api.depends("finding")
    @api.depends_context("lang")
    def _compute_reason_text(self):
        for check in self:
            check.reason_text = (
                self.env["finance.finding"]._render(check.finding)[0] if check.finding else False
            )

    # -- which row counts --------------------------------------------------------------------------

    @api.model
    def _of(self, partner, company):
        """Return the check of a partner's present number for a company; empty where there is none."""
        number = partner._finance_vat_number()
        return self.sudo().search(
            [
                ("partner_id", "=", partner.id),
                ("company_id", "=", company.id),
                ("number", "=", number or False),
            ],
            limit=1,
        )

    @api.model
    def _row(self, partner, company):
        """Return the row of a partner and company; the state of a former number is forgotten."""
        number = partner._finance_vat_number() or False
        row = self.sudo().search(
            [("partner_id", "=", partner.id), ("company_id", "=", company.id)], limit=1
        )
        if row and row.number == number:
            return row
        values = {
            "number": number,
            "result_id": False,
            "last_result_id": False,
            "valid_until": False,
            "finding": False,
            "failed_checks": 0,
            "is_requested": False,
            "next_at": False,
        }
        if row:
            row.write(values)
            return row
        return row.create({**values, "partner_id": partner.id, "company_id": company.id})

    # -- asking ------------------------------------------------------------------------------------

    def _check(self):
        """Ask the registry about this row's number now and store what it said."""
        self.ensure_one()
        connection, obstacle = self._connection()
        request = {"number": self.number or "", "requester": self._requester(connection)}
        if obstacle:
            reply = QueryReply(fields.Datetime.now(), finding=obstacle)
        else:
            reply = connection._query(CHECK, request, DEADLINE_SECONDS)
        result = self.env["finance.query.result"]
        if connection:
            state = reply.code if reply.code in ("valid", "invalid") else "unknown"
            result = result._keep(
                connection, CHECK, self.partner_id, self.number, state, request, reply
            )
        self._note(result, reply)
        return result

    def _connection(self):
        """Return the connection to ask through, and why there is none."""
        connections = self.env["finance.connection"].sudo()
        if not self.number:
            return connections, Finding("registry.no_number")
        registry = registry_of(self.number)
        if not registry:
            country = self.number[:2]
            return connections, Finding("registry.no_registry", args={"country": country})
        connection = connections.search(
            [
                ("company_id", "=", self.company_id.id),
                ("provider", "=", registry),
                ("state", "=", "active"),
            ],
            limit=1,
        )
        return connection, None if connection else Finding("registry.no_connection")

    def _requester(self, connection):
        """Return the company's own number in whose name is asked, empty where it has none there.

        VIES gives a proof to requesters of the European Union, HMRC to those of the United Kingdom.
        """
        own = self.company_id.partner_id._finance_vat_number()
        return own if own and registry_of(own) == connection.provider else ""

    def _note(self, result, reply):
        """Store what a check showed. Without an answer the last answer stays, with its proof."""
        now = reply.asked_at
        if reply.is_answered:
            ends = reply.valid_until or now + timedelta(days=self.company_id.finance_registry_days)
            self.write(
                {
                    "result_id": result.id,
                    "last_result_id": result.id,
                    "valid_until": ends,
                    "finding": False,
                    "failed_checks": 0,
                    "is_requested": False,
                    "next_at": max(now + (ends - now) / 2, ends - _RECHECK),
                }
            )
            return
        outcome = reply.outcome
        finding = getattr(outcome, "finding", None) or reply.finding
        doublings = min(self.failed_checks, _MAX_DOUBLINGS)
        settled = finding.code in _SETTLED
        self.write(
            {
                "last_result_id": result.id,
                "finding": finding.to_json(),
                "failed_checks": self.failed_checks + 1,
                "is_requested": not settled,
                "next_at": False
                if settled
                else now + min(_FIRST_RETRY * 2**doublings, _LAST_RETRY),
            }
        )

    # -- the queue ---------------------------------------------------------------------------------

    def _request(self):
        """Queue these rows for the scheduled job."""
        self.write({"is_requested": True, "next_at": fields.Datetime.now()})
        self.env.ref("finance_registry.ir_cron_check")._trigger()

    @api.model
    def _cron_check(self):
        """Work through the requested checks, and through those whose validity is about to end.

        After a member state failed, its other numbers wait for the next run.
        """
        done = 0
        failed = set()
        due = self.search(
            [("next_at", "<=", fields.Datetime.now())], order="next_at", limit=_AT_ONCE
        )
        for check in due:
            if not check.exists():
                continue
            issuer = (check.company_id.id, (check.number or "")[:2])
            if issuer in failed:
                continue
            state = check._check_apart()
            if state is None:
                continue
            if state not in ("valid", "invalid"):
                failed.add(issuer)
            done += 1
            if not self.env["ir.cron"]._commit_progress(1):
                break
        return done

    def _check_apart(self):
        """Check this row; return the state of the result, None if it is not due.

        What one row meets delays this row alone: the job is that of all companies.
        """
        try:
            with self.env.cr.savepoint():
                return self._check().state if self._is_due() else None
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            # The database, not the row.
            raise
        except Exception as error:
            _logger.exception("VAT number check %s broke", self.id)
            self.invalidate_recordset()
            finding = Finding("query.no_answer", args={"reason": type(error).__name__})
            self._note(
                self.env["finance.query.result"],
                QueryReply(fields.Datetime.now(), finding=finding),
            )
            return "unknown"

    def _is_due(self):
        """Return whether the row is locked for this run and still about the partner's number."""
        if not self.try_lock_for_update():
            return False
        if self.number == (self.partner_id._finance_vat_number() or False):
            return True
        self._row(self.partner_id, self.company_id)
        return False
