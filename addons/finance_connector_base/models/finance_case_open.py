"""Opening and closing cases in bulk, in the dispatcher's transactions: one statement, no record-wise work."""

import json

from odoo import SUPERUSER_ID, api, models
from odoo.addons.finance_audit.core.entry import Facts, Subject, storable
from odoo.addons.finance_audit.models.audit_context import actor_of

from ..core import cases
from .finance_case_settings import DEFAULT_HOURS

_OPEN = """
    INSERT INTO finance_case (
           exchange_id, connection_id, company_id, name, kind, what_happened, state, user_id, deadline, opened_at,
           document_model, document_id, document_name, correlation_id,
           create_uid, create_date, write_uid, write_date)
    SELECT r.exchange_id, r.connection_id, r.company_id, COALESCE(NULLIF(r.document_name, ''), '#' || r.exchange_id),
           r.kind, r.what_happened, 'open', COALESCE(r.user_id, owner.id),
           moment.now + make_interval(hours => COALESCE(company.finance_case_hours, %(hours)s)), moment.now,
           r.document_model, r.document_id, r.document_name, r.correlation_id,
           %(uid)s, moment.now, %(uid)s, moment.now
      FROM jsonb_to_recordset(%(rows)s) AS r(
               exchange_id int, connection_id int, company_id int, kind text, what_happened text, user_id int,
               document_model text, document_id int, document_name text, correlation_id text)
      JOIN res_company company ON company.id = r.company_id
      LEFT JOIN res_users owner ON owner.id = company.finance_case_user_id AND owner.active
     CROSS JOIN (SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') AS now) moment
     ORDER BY r.exchange_id
        ON CONFLICT (exchange_id) WHERE state = 'open'
        DO UPDATE SET kind = EXCLUDED.kind, what_happened = EXCLUDED.what_happened, write_date = EXCLUDED.write_date
     WHERE (finance_case.kind, finance_case.what_happened) IS DISTINCT FROM (EXCLUDED.kind, EXCLUDED.what_happened)
 RETURNING id, name, exchange_id, xmax = 0 AS is_new, user_id, deadline
"""

_CLOSE = """
    UPDATE finance_case c
       SET state = 'resolved', decision = %(decision)s, reason = %(reason)s, resolved_by_id = %(person)s,
           resolution = COALESCE(%(resolution)s, CASE
               WHEN e.state IN ('superseded', 'cancelled') THEN e.state
               WHEN e.state IN ('pending', 'unknown') AND %(person)s IS NOT NULL THEN 'retried'
               ELSE 'settled' END),
           resolved_at = moment.now, write_uid = %(uid)s, write_date = moment.now
      FROM finance_exchange e, (SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') AS now) moment
     WHERE c.exchange_id = ANY(%(ids)s) AND c.state = 'open' AND e.id = c.exchange_id
 RETURNING c.id, c.name, c.exchange_id, c.company_id, c.kind, c.resolution,
           c.document_model, c.document_id, c.document_name, c.correlation_id
"""


class FinanceCase(models.Model):
    _inherit = "finance.case"

    @api.model
    def _open_many(self, rows):
        """Open a case for each row, or give the open one its new reason; the ids of the cases touched.

        A row is a dict with exchange_id, connection_id, company_id, kind (see ``core.cases.KINDS``), what_happened,
        document_model, document_id, document_name, correlation_id, and user_id for an owner other than the company's.
        """
        by_exchange = {row["exchange_id"]: storable(row) for row in rows}
        if not by_exchange:
            return []
        self._flush_for_sql()
        self.env.cr.execute(
            _OPEN,
            {
                "rows": json.dumps(list(by_exchange.values())),
                "hours": DEFAULT_HOURS,
                "uid": self.env.uid,
            },
        )
        touched = self.env.cr.dictfetchall()
        self._forget_cached()
        actor = actor_of(self.env)
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        self.env["finance.audit.entry"]._append(
            [
                self._opened_facts(actor, kinds, {**by_exchange[case["exchange_id"]], **case})
                for case in touched
            ]
        )
        return [case["id"] for case in touched]

    def _opened_facts(self, actor, kinds, row):
        about = {"kind": kinds[row["kind"]], "what": row["what_happened"] or ""}
        return Facts(
            action="case.opened" if row["is_new"] else "case.updated",
            actor=actor,
            outcome="warning",
            summary=self.env._("Case opened (%(kind)s): %(what)s", **about),
            details={
                "exchange": row["exchange_id"],
                "kind": row["kind"],
                "owner_user_id": row["user_id"],
                "deadline": row["deadline"].isoformat(timespec="seconds") + "Z",
            },
            **self._subjects(row),
        )

    @api.model
    def _close_many(
        self,
        exchange_ids,
        resolution=None,
        reason="",
        *,
        decision=None,
        details=None,
    ):
        """Close the open cases of these exchanges; the ids of those closed. Nothing is done where there is none.

        :param resolution: without one, what the exchange has become says how its case ended
        :param decision: what a person decided about the case
        :param details: exchange id → further details of the audit entry
        """
        if not exchange_ids:
            return []
        self._flush_for_sql()
        self.env.cr.execute(
            _CLOSE,
            {
                "ids": list(exchange_ids),
                "resolution": resolution,
                "decision": decision,
                "reason": storable(reason) or None,
                "person": None if self.env.uid == SUPERUSER_ID else self.env.uid,
                "uid": self.env.uid,
            },
        )
        closed = self.env.cr.dictfetchall()
        if closed:
            self._forget_cached()
            self._audit_closed(closed, reason, decision, details or {})
        return [row["id"] for row in closed]

    def _audit_closed(self, closed, reason, decision, details):
        actor = actor_of(self.env)
        labels = dict(self._fields["resolution"]._description_selection(self.env))
        self.env["finance.audit.entry"]._append(
            [
                Facts(
                    action=f"case.{row['resolution']}",
                    actor=actor,
                    outcome="warning" if row["resolution"] == cases.OVERRIDDEN else "info",
                    summary=self.env._(
                        "Case closed: %s",
                        ". ".join(filter(None, (labels[row["resolution"]], reason))),
                    ),
                    details={
                        "exchange": row["exchange_id"],
                        "kind": row["kind"],
                        "decision": decision,
                        "reason": reason,
                        **details.get(row["exchange_id"], {}),
                    },
                    **self._subjects(row),
                )
                for row in closed
            ]
        )

    def _subjects(self, row):
        document = row["document_model"] and Subject(
            row["document_model"], row["document_id"], row["document_name"] or ""
        )
        return {
            "record": Subject("finance.case", row["id"], row["name"] or ""),
            "document": document or None,
            "company_id": row["company_id"],
            "correlation_id": row["correlation_id"],
        }

    def _flush_for_sql(self):
        self.flush_model()
        self.env["finance.exchange"].flush_model(["state"])
        self.env["res.company"].flush_model(["finance_case_user_id", "finance_case_hours"])

    def _forget_cached(self):
        self.invalidate_model(flush=False)
        self.env["finance.exchange"].invalidate_model(["case_ids", "open_case_id"], flush=False)


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        _ = self.env._
        return {
            **super()._action_labels(),
            "case.opened": _("Case opened"),
            "case.updated": _("Case: the reason changed"),
            "case.changed": _("Case: owner or deadline changed"),
            "case.escalated": _("Case escalated"),
            "case.retried": _("Case: tried again"),
            "case.adopted": _("Case: adopted by reference"),
            "case.cancelled": _("Case: sending cancelled"),
            "case.released": _("Case: released"),
            "case.overridden": _("Case: overridden with a reason"),
            "case.superseded": _("Case: replaced by a correction"),
            "case.settled": _("Case: settled by the provider"),
            "exchange.held": _("Held"),
        }
