"""F14, F19: what a database user of Odoo can and cannot do to evidence, and what is noticed and removed."""

import json
from datetime import timedelta
from unittest.mock import patch

import psycopg2
from odoo import fields
from odoo.addons.finance_audit.models import administration, evidence_rows
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import config, mute_logger

from ..core import cases
from ..core.delivery import states
from ..models.finance_retention import OPTION, PayloadTooLarge
from .common_case import CaseCase


class EvidenceCase(CaseCase):
    def refused(self, statement, *parameters):
        """Expect PostgreSQL to refuse; the transaction goes on."""
        self.env.flush_all()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(psycopg2.errors.InsufficientPrivilege, "append-only"),
            self.env.cr.savepoint(flush=False),
        ):
            self.env.cr.execute(statement, parameters)

    def accepted(self, key="key-1"):
        exchange = self.enqueue(key=key)
        exchange._transition(states.SENDING, "sending")
        exchange._transition(states.ACCEPTED, "accepted", reference="R-1")
        return exchange

    def attempt(self, exchange, outcome="accepted", body=b"aGVsbG8="):
        self.env.cr.execute(
            """INSERT INTO finance_exchange_attempt (exchange_id, connection_id, company_id, token, step, started_at,
                                                     outcome, response_body)
               VALUES (%s, %s, %s, gen_random_uuid(), 'send', now(), %s, %s) RETURNING id""",
            (exchange.id, exchange.connection_id.id, exchange.company_id.id, outcome, body),
        )
        return self.env["finance.exchange.attempt"].browse(self.env.cr.fetchone()[0])

    def entries_of(self, action):
        return self.env["finance.audit.entry"].search([("action", "=", action)])

    def details(self, entry):
        return json.loads(entry.canonical_text)["details"]


@tagged("post_install", "-at_install")
class TestGuards(EvidenceCase):
    def test_f14_every_model_of_evidence_is_guarded_in_the_database(self):
        expected = evidence_rows.expected(self.env)
        present = evidence_rows.found(self.env)
        tables = {guard.table for guard in expected}
        self.assertLessEqual(
            {
                "finance_exchange",
                "finance_exchange_attempt",
                "finance_exchange_artefact",
                "finance_webhook_event",
                "finance_inbound",
                "finance_case",
            },
            tables,
        )
        self.assertFalse([g.key for g in expected if (g.table, g.name) not in present])

    def test_f14_an_exchange_is_neither_deleted_nor_truncated_nor_invented(self):
        exchange = self.accepted()
        self.refused("DELETE FROM finance_exchange WHERE id = %s", exchange.id)
        self.refused("TRUNCATE finance_exchange CASCADE")
        self.refused(
            """INSERT INTO finance_exchange (connection_id, operation, idempotency_key, correlation_id,
                   payload_sha256, state) VALUES (%s, 'submit', 'forged', 'x', 'x', 'accepted')""",
            self.connection.id,
        )

    def test_f14_an_exchange_moves_only_along_the_table_of_transitions(self):
        exchange = self.accepted()
        self.refused("UPDATE finance_exchange SET state = 'cancelled' WHERE id = %s", exchange.id)
        pending = self.enqueue(key="key-2")
        self.refused("UPDATE finance_exchange SET state = 'accepted' WHERE id = %s", pending.id)
        self.env.cr.execute(
            "UPDATE finance_exchange SET state = 'held' WHERE id = %s", [pending.id]
        )

    def test_f14_what_was_sent_and_the_reference_of_an_accepted_exchange_stay(self):
        exchange = self.accepted()
        for change in (
            "payload = 'eA=='",
            "payload = NULL",
            "payload_sha256 = 'x'",
            "idempotency_key = 'x'",
            "document_id = 1",
            "company_id = NULL",
            "reference = 'false'",
        ):
            with self.subTest(change):
                self.refused(f"UPDATE finance_exchange SET {change} WHERE id = %s", exchange.id)

    def test_f14_an_attempt_is_completed_once(self):
        exchange = self.accepted()
        done, lost = self.attempt(exchange), self.attempt(exchange, "lost")
        change = "UPDATE finance_exchange_attempt SET outcome = 'rejected' WHERE id = %s"
        self.refused(change, done.id)
        self.refused("DELETE FROM finance_exchange_attempt WHERE id = %s", lost.id)
        self.refused("UPDATE finance_exchange_attempt SET token = 'x' WHERE id = %s", lost.id)
        self.env.cr.execute(change, [lost.id])
        self.refused(change.replace("rejected", "accepted"), lost.id)

    def test_f14_a_decided_case_stays(self):
        case = self.stuck()
        case._close_many([], cases.ENDED, "done", case_ids=case.ids)
        self.refused("UPDATE finance_case SET state = 'open' WHERE id = %s", case.id)
        self.refused("UPDATE finance_case SET decision = 'adopt' WHERE id = %s", case.id)
        self.refused("DELETE FROM finance_case WHERE id = %s", case.id)

    def test_f14_a_guard_that_is_gone_or_weakened_is_reported(self):
        protection = self.env["finance.audit.protection"]
        self.assertFalse(protection._state().weaknesses)
        guard = next(g for g in evidence_rows.expected(self.env) if g.table == "finance_exchange")
        self.env.cr.execute(f'ALTER TABLE finance_exchange DISABLE TRIGGER "{guard.name}"')
        self.assertEqual(protection._state().weaknesses, (f"rows_disabled:{guard.key}",))
        evidence_rows.drop(self.env, guard.table, guard.name)
        self.assertEqual(protection._state().weaknesses, (f"rows_unguarded:{guard.key}",))
        self.env.cr.execute(
            f'CREATE TRIGGER "{guard.name}" BEFORE UPDATE ON finance_exchange FOR EACH ROW WHEN (false)'
            " EXECUTE FUNCTION finance_audit.guard_row('{}', '{}', 'x', 'id');"
            f' ALTER TABLE finance_exchange ENABLE ALWAYS TRIGGER "{guard.name}"'
        )
        self.assertEqual(protection._state().weaknesses, (f"rows_replaced:{guard.key}",))
        protection._guard_rows()
        self.assertFalse(protection._state().weaknesses)


@tagged("post_install", "-at_install")
class TestComparison(EvidenceCase):
    def compare(self):
        comparison = self.env["finance.evidence.comparison"]
        for subject in comparison._subjects():
            after = 0
            while after := comparison._compare(subject, after):
                pass

    def found(self, record):
        return self.env["finance.case"].search(
            [
                ("kind", "=", cases.TAMPERED),
                ("document_model", "=", record._name),
                ("document_id", "=", record.id),
            ]
        )

    def test_f14_what_agrees_with_the_log_opens_no_case(self):
        exchange, case = self.accepted(), self.stuck(key="key-2")
        self.compare()
        self.assertFalse(self.found(exchange) + self.found(case))

    def test_f14_a_state_and_a_content_changed_behind_the_log_open_a_case_once(self):
        moved, damaged = self.accepted(), self.accepted("key-2")
        case = self.stuck(key="key-3")
        self.env.flush_all()
        unguarded(self.env, "finance_exchange")
        unguarded(self.env, "finance_case")
        self.env.cr.execute(
            "UPDATE finance_exchange SET state = 'failed' WHERE id = %s", [moved.id]
        )
        self.env.cr.execute(
            "UPDATE finance_exchange SET payload = 'eA==' WHERE id = %s", [damaged.id]
        )
        self.env.cr.execute(
            "UPDATE finance_case SET state = 'resolved', resolution = 'adopted' WHERE id = %s",
            [case.id],
        )
        self.env.invalidate_all()
        before = self.entries_of("evidence.differs")
        for _night in range(2):
            self.compare()
        self.assertEqual(self.found(moved).finding["code"], "evidence.state_differs")
        self.assertEqual(self.found(damaged).finding["code"], "evidence.content_differs")
        self.assertEqual(self.found(case).finding["code"], "evidence.state_differs")
        self.assertEqual(len(self.entries_of("evidence.differs") - before), 3)


@tagged("post_install", "-at_install")
class TestAdministration(EvidenceCase):
    def noted(self, name, action):
        before = self.entries_of(f"administration.{name}")
        action()
        return self.entries_of(f"administration.{name}") - before

    def test_f14_rights_rules_actions_jobs_and_parameters_leave_entries(self):
        access = self.env["ir.model.access"].search(
            [("model_id.model", "=", "finance.case")], limit=1
        )
        rule = self.env["ir.rule"].search([("model_id.model", "=", "finance.exchange")], limit=1)
        job = self.env.ref("finance_connector_base.ir_cron_compare_evidence")
        partner = self.env.ref("base.model_res_partner").id
        action = {"name": "X", "model_id": partner, "state": "code", "code": "env['finance.case']"}
        parameters = self.env["ir.config_parameter"]
        for name, change in (
            ("access", lambda: access.write({"perm_unlink": not access.perm_unlink})),
            ("rule", lambda: rule.write({"active": False})),
            ("server_action", lambda: self.env["ir.actions.server"].create(action)),
            ("scheduled_action", lambda: job.write({"active": False})),
            ("parameter", lambda: parameters.set_param("finance_x", "1")),
        ):
            with self.subTest(name):
                self.assertEqual(len(self.noted(name, change)), 1)

    def test_f14_rules_of_other_models_leave_none(self):
        rule = self.env["ir.rule"].search([("model_id.model", "=like", "res.partner%")], limit=1)
        self.assertFalse(self.noted("rule", lambda: rule.write({"active": False})))

    def test_f14_addons_tables_and_columns_are_removed_only_with_the_option_of_the_server(self):
        addon = self.env["ir.module.module"].search([("name", "=", "finance_connector_base")])
        model = self.env["ir.model"]._get("finance.exchange").with_context(_force_unlink=True)
        field = model.field_id.filtered(lambda item: item.name == "payload")
        removals = (
            addon.button_uninstall,
            addon.module_uninstall,
            lambda: addon.write({"state": "to remove"}),
            model.unlink,
            field.with_context(_force_unlink=True).unlink,
        )
        with patch.dict(config.options, {administration.OPTION: "False"}):
            for remove in removals:
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    remove()
        self.assertEqual(addon.state, "installed")


@tagged("post_install", "-at_install")
class TestRetention(EvidenceCase):
    def aged(self, key="key-1"):
        exchange = self.accepted(key)
        self.attempt(exchange)
        self.env.flush_all()
        with self.env.cr.savepoint():
            unguarded(self.env, "finance_exchange")
            self.env.cr.execute(
                "UPDATE finance_exchange SET state_since = %s WHERE id = %s",
                (fields.Datetime.now() - timedelta(days=800), exchange.id),
            )
            self.env.cr.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = 'finance_exchange'::regclass AND tgenabled = 'D'"
            )
            for (name,) in self.env.cr.fetchall():
                self.env.cr.execute(f'ALTER TABLE finance_exchange ENABLE ALWAYS TRIGGER "{name}"')
        self.env.invalidate_all()
        return exchange

    def purge(self):
        return self.env["finance.retention"]._purge(self.company)

    def test_f19_by_default_and_under_a_legal_hold_nothing_is_removed(self):
        exchange = self.aged()
        self.assertEqual(self.purge(), 0)
        self.company.write({"finance_retention_years": 1, "finance_legal_hold": True})
        self.assertEqual(self.purge(), 0)
        self.assertTrue(exchange.payload)

    def test_f19_content_beyond_its_retention_is_removed_and_its_proof_stays(self):
        old, recent, disputed = self.aged(), self.accepted("key-2"), self.aged("key-3")
        self.open_case(disputed)
        self.company.finance_retention_years = 2
        digest, size = old.payload_sha256, old.payload_size
        self.assertEqual(self.purge(), 1)
        self.assertEqual(self.purge(), 0)
        self.assertFalse(old.payload or old.attempt_ids.response_body)
        self.assertTrue(recent.payload and disputed.payload)
        self.assertEqual((old.payload_sha256, old.payload_size), (digest, size))
        entry = self.entries_of("retention.purged")[:1]
        self.assertEqual(entry.record_id, old.id)
        removed = self.details(entry)["removed"]
        self.assertEqual(removed[0]["sha256"], digest)
        self.assertEqual(len(removed), 2)

    def test_f19_the_database_empties_nothing_without_the_entry(self):
        exchange = self.aged()
        self.refused("UPDATE finance_exchange SET payload = NULL WHERE id = %s", exchange.id)
        self.refused(
            "UPDATE finance_exchange_attempt SET response_body = NULL WHERE exchange_id = %s",
            exchange.id,
        )

    def test_f1_retention_that_no_calendar_holds_is_refused(self):
        for name, value in (
            ("finance_retention_years", 101),
            ("finance_retention_years", 2**31 - 1),
            ("finance_audit_retention_days", 36501),
            ("finance_audit_retention_days", 2**31 - 1),
        ):
            with (
                self.subTest(name=name, value=value),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.CheckViolation),
                self.env.cr.savepoint(),
            ):
                self.company[name] = value
                self.env.flush_all()

    def test_f19_a_payload_that_is_too_large_is_refused_before_it_is_queued(self):
        with (
            patch.dict(config.options, {OPTION: "1"}),
            self.assertRaises(PayloadTooLarge) as refused,
        ):
            self.enqueue(payload=b"x" * (1024 * 1024 + 1))
        self.assertEqual(refused.exception.finding.code, "storage.payload_too_large")

    def test_f19_a_company_beyond_its_storage_limit_has_a_case_until_it_is_below(self):
        retention, case = self.env["finance.retention"], self.env["finance.case"]
        about = [("kind", "=", cases.STORAGE), ("company_id", "=", self.company.id)]
        self.enqueue(payload=b"x" * (1024 * 1024 + 1))
        self.company.finance_storage_limit_mb = 1
        for _night in range(2):
            retention._check_storage(self.company)
        self.assertEqual(case.search(about).state, "open")
        self.company.finance_storage_limit_mb = 9
        retention._check_storage(self.company)
        self.assertEqual(case.search(about).state, "resolved")
