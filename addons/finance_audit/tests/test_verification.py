"""A6: the same verifier on the database: a button, a scheduled job, an alarm; tampering is named."""

import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..core import canonical
from ..core.schema import QUERIES
from ..exceptions import EvidenceIsAppendOnly
from .test_anchoring import AnchorCase

OPEN_UP = """
DO $$ DECLARE name text; BEGIN
    FOREACH name IN ARRAY ARRAY['entry', 'seal', 'checkpoint'] LOOP
        EXECUTE format('ALTER TABLE finance_audit.%I DISABLE TRIGGER USER', name);
        EXECUTE format('GRANT ALL ON finance_audit.%I TO CURRENT_USER', name);
    END LOOP;
    ALTER TABLE finance_audit.entry DROP CONSTRAINT entry_leaf_hash_true;
    ALTER TABLE finance_audit.seal DROP CONSTRAINT seal_counts;
END $$
"""


class TamperCase(AnchorCase):
    def setUp(self):
        super().setUp()
        self.verifications = self.env["finance.audit.verification"]
        self.grow(6)
        self.ids = self.seals()[0]

    def verify(self):
        return self.verifications._verify_logs([self.log], "manual")

    def sql(self, statement, *values):
        """As somebody who owns the tables and took the guards away."""
        self.env.cr.execute(OPEN_UP)
        self.env.cr.execute(statement, values)
        self.assertTrue(self.env.cr.rowcount)
        self.env.invalidate_all()

    def damaged(self, code):
        found = self.verify()
        self.assertEqual(found.state, "damaged", found.answer)
        self.assertIn(f"[{code}]", found.damage)
        return found.damage


@tagged("post_install", "-at_install")
class TestTampering(TamperCase):
    def test_a6_what_is_untouched_is_intact(self):
        found = self.verify()
        self.assertEqual(found.state, "intact", found.damage)
        self.assertIn("signed by a key you provided", found.proven)

    def test_a6_changed_bytes_are_named(self):
        entry = self.entries.browse(self.ids[3])
        data = self.stored(entry)[0].replace(b"test.done", b"test.dome")
        for extra in ("", ", leaf_hash = sha256('\\x00'::bytea || %s)"):
            with self.env.cr.savepoint() as savepoint:
                self.sql(
                    f"UPDATE finance_audit.entry SET canonical = %s {extra} WHERE id = %s",
                    *([data, data] if extra else [data]),
                    entry.id,
                )
                self.assertIn(f"entry 4 (id {entry.uid})", self.damaged("entry.changed"))
                savepoint.rollback()

    def test_a6_a_changed_column_is_named_though_the_bytes_are_whole(self):
        entry = self.entries.browse(self.ids[3])
        uid = entry.uid
        for column, value in (
            ("summary", "Another summary."),
            ("user_id", 99),
            ("created_at", "2020-01-01"),
            ("leaf_hash", b"x"),
        ):
            with self.subTest(column), self.env.cr.savepoint() as savepoint:
                self.sql(
                    f"UPDATE finance_audit.entry SET {column} = %s WHERE id = %s", value, entry.id
                )
                self.assertIn(uid, self.damaged("columns.changed"))
                savepoint.rollback()

    def test_a6_a_deleted_entry_is_named(self):
        self.sql("DELETE FROM finance_audit.entry WHERE id = %s", self.ids[2])
        self.assertIn("entry 3 is missing", self.damaged("entry.deleted"))

    def test_a6_reordered_entries_are_named(self):
        swapped = [*self.ids[:2], self.ids[3], self.ids[2], *self.ids[4:]]
        self.env.cr.execute(
            "SELECT max(cardinality(entry_ids)) FROM finance_audit.seal WHERE log_id = %s",
            [self.log],
        )
        first = swapped[: self.env.cr.fetchone()[0]]
        self.sql(
            "UPDATE finance_audit.seal SET entry_ids = %s WHERE log_id = %s AND cardinality(entry_ids) = %s",
            first,
            self.log,
            len(first),
        )
        self.damaged("entry.reordered")

    def test_a6_a_truncated_tail_is_found(self):
        self.sql("DELETE FROM finance_audit.entry WHERE id = %s", self.ids[-1])
        self.damaged("entry.deleted")

    def test_a6_entries_cut_off_with_their_seals_contradict_the_checkpoint(self):
        self.sql(
            "DELETE FROM finance_audit.seal WHERE log_id = %s AND size = %s",
            self.log,
            len(self.ids),
        )
        self.damaged("log.truncated")

    def test_a6_a_forged_checkpoint_is_refused(self):
        self.sql(
            "UPDATE finance_audit.checkpoint SET note = replace(note, E'\\n' || size || E'\\n', E'\\n1\\n') "
            "WHERE log_id = %s",
            self.log,
        )
        self.damaged("signature.bad")

    def test_a5_a_log_signed_with_another_key_is_refused(self):
        self.use_ring("forger:" + "B" * 43 + "=\n")
        self.assertIn("not signed by a key you provided", self.damaged("key.foreign"))

    def test_a5_a_rewritten_and_resigned_log_contradicts_the_folder(self):
        target = self.target("folder")
        target._anchor_all()
        entry = self.entries.browse(self.ids[0])
        self.sql("DELETE FROM finance_audit.seal WHERE log_id = %s", self.log)
        self.env.cr.execute("DELETE FROM finance_audit.checkpoint WHERE log_id = %s", [self.log])
        data = canonical.canonical_bytes({**self.details_of(entry), "summary": "Rewritten."})
        self.env.cr.execute(
            "UPDATE finance_audit.entry SET canonical = %s, leaf_hash = sha256('\\x00'::bytea || %s), "
            "summary = 'Rewritten.' WHERE id = %s",
            [data, data, entry.id],
        )
        self.seal()
        self.damaged("anchor.contradicts")

    def test_a5_a_database_set_back_to_an_older_backup_is_shorter_than_the_folder(self):
        with self.env.cr.savepoint() as savepoint:
            self.grow(3)
            self.target("folder")._anchor_all()
            savepoint.rollback()  # as restoring a backup taken before
        self.env.invalidate_all()
        self.damaged("log.rolled_back")

    def details_of(self, entry):
        return json.loads(self.stored(entry)[0])

    def test_a6_an_entry_that_was_never_sealed_is_found(self):
        self.sql(
            "UPDATE finance_audit.seal SET sealed_at = sealed_at + interval '2 days' WHERE log_id = %s",
            self.log,
        )
        self.record(company=self.company)
        self.damaged("entry.unsealed")

    def test_a6_the_search_for_skipped_entries_is_linear(self):
        """The planner cannot know how many ids the seals contain; no plan may pair every entry with every seal."""
        for statistics in (False, True):
            if statistics:
                self.env.cr.execute("ANALYZE finance_audit.entry; ANALYZE finance_audit.seal")
            self.env.cr.execute("EXPLAIN " + QUERIES["skipped_entry"], {"log_id": self.log})
            plan = "\n".join(line for (line,) in self.env.cr.fetchall())
            self.assertIn("SetOp Except", plan)
            self.assertNotIn("Anti Join", plan)


@tagged("post_install", "-at_install")
class TestVerification(TamperCase):
    def test_a6_the_button_answers_in_one_sentence(self):
        self.sealer._seal_once(0)  # may have been signed by the key of a server before
        action = self.verifications.with_user(self.auditor).action_verify()
        self.assertEqual(action["params"]["type"], "success")
        self.assertIn("Nordlicht Handel", action["params"]["message"])
        self.assertIn(str(len(self.ids)), action["params"]["message"])

    def test_a6_the_button_is_the_auditors(self):
        with self.assertRaises(AccessError):
            self.verifications.with_user(self.outsider).action_verify()

    def test_a6_an_auditor_verifies_and_sees_the_own_companies_only(self):
        self.record(company=self.other_company)
        self.sealer._seal_once(self.other_company.id)
        self.verifications._verify_logs([self.other_company.id, self.log], "scheduled")
        seen = self.verifications.with_user(self.auditor).search([])
        self.assertNotIn(self.other_company.id, seen.mapped("log_id"))
        self.assertIn(self.log, seen.mapped("log_id"))
        self.assertNotIn(
            self.other_company.id, self.verifications.with_user(self.auditor)._readable_logs()
        )

    def test_a6_the_history_stays(self):
        found = self.verify()
        for change in (lambda: found.write({"state": "damaged"}), found.unlink):
            with self.assertRaises(EvidenceIsAppendOnly):
                change()
        with self.assertRaises(EvidenceIsAppendOnly):
            found.with_user(self.auditor).write({"answer": "x"})

    def test_a6_each_verification_is_an_entry(self):
        self.verify()
        found = self.entries.search(
            [("action", "=", "audit.verification.intact"), ("company_id", "=", self.log)]
        )
        self.assertEqual(len(found), 1)

    def test_a6_damage_found_at_night_alarms_the_auditors(self):
        self.sql("DELETE FROM finance_audit.entry WHERE id = %s", self.ids[2])
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress"),
            mute_logger("odoo.addons.finance_audit.models.finance_audit_verification"),
        ):
            self.verifications._cron_verify()
        alarm = self.verifications.search([("log_id", "=", self.log)], limit=1)
        self.assertEqual(alarm.state, "damaged")
        self.assertIn(self.auditor, alarm.activity_ids.user_id)
        self.assertNotIn(self.outsider, alarm.activity_ids.user_id)
        self.assertIn(self.auditor.partner_id, alarm.message_ids.notified_partner_ids)

    def test_a6_checkpoints_and_anchors_are_read_by_auditors_of_the_company(self):
        self.target("folder")._anchor_all()
        for name in ("finance.audit.checkpoint", "finance.audit.anchor"):
            records = self.env[name].search([("log_id", "=", self.log)])
            self.assertTrue(records.with_user(self.auditor).read(["size"]), name)
            with self.assertRaises(AccessError):
                records.with_user(self.outsider).read(["size"])
        hidden = self.env["finance.audit.checkpoint"].with_user(self.auditor).search([])
        self.assertLessEqual(set(hidden.mapped("log_id")), {0, *self.auditor.company_ids.ids})

    # -- omissions ---------------------------------------------------------------------------------

    def run_job(self, name):
        with (
            patch.object(type(self.env["ir.cron"]), "_commit_progress"),
            mute_logger("odoo.addons.finance_audit.models.finance_audit_verification"),
        ):
            getattr(self.verifications, name)()

    def results(self):
        return self.verifications.search([("log_id", "=", self.log)])

    def watch_after(self, age):
        """Run the watching job when `age` has passed since now."""
        with patch.object(fields.Datetime, "now", lambda *_args: self.start + age):
            self.run_job("_cron_watch")

    def test_a6_a_verification_that_is_on_time_raises_no_alarm(self):
        self.start = fields.Datetime.now()
        self.run_job("_cron_verify")
        for hours in (1, 24):
            self.watch_after(timedelta(hours=hours))
        self.assertEqual(self.results().mapped("state"), ["intact"])

    def test_a6_a_verification_that_did_not_run_or_end_is_an_alarm(self):
        self.start = fields.Datetime.now()
        self.run_job("_cron_verify")
        self.watch_after(timedelta(hours=27))
        alarm = self.results()[0]
        self.assertEqual((len(self.results()), alarm.state), (2, "incomplete"))
        self.assertIn(self.auditor, alarm.activity_ids.user_id)
        self.assertNotIn(self.outsider, alarm.activity_ids.user_id)
        self.assertIn(self.auditor.partner_id, alarm.message_ids.notified_partner_ids)
        entry = self.entries.search(
            [("action", "=", "audit.verification.incomplete"), ("company_id", "=", self.log)]
        )
        self.assertEqual(entry.mapped("outcome"), ["failure"])

    def test_a6_an_omission_is_reported_once_for_each_period(self):
        self.start = fields.Datetime.now()
        self.run_job("_cron_verify")
        self.make_older(self.results(), hours=28)
        for _hour in range(3):
            self.watch_after(timedelta(0))
        self.assertEqual(self.results().mapped("state"), ["incomplete", "intact"])
        self.make_older(self.results(), hours=25)
        self.watch_after(timedelta(0))
        self.assertEqual(self.results().mapped("state"), ["incomplete", "incomplete", "intact"])

    def make_older(self, results, hours):
        self.env.cr.execute(
            "UPDATE finance_audit_verification SET create_date = create_date - make_interval(hours => %s) "
            "WHERE id = ANY (%s)",
            [hours, results.ids],
        )
        self.env.invalidate_all()

    def test_a6_a_log_that_was_never_verified_is_overdue_from_its_first_entry(self):
        self.start = fields.Datetime.now()
        self.watch_after(timedelta(hours=25))
        self.assertFalse(self.results())
        self.watch_after(timedelta(hours=27))
        self.assertEqual(self.results().state, "incomplete")

    def test_a6_a_manual_verification_does_not_replace_the_scheduled_one(self):
        self.start = fields.Datetime.now()
        self.verify()
        self.watch_after(timedelta(hours=27))
        self.assertEqual(self.results()[0].state, "incomplete")

    def test_a6_a_longer_schedule_is_respected_up_to_its_limit(self):
        job = self.env.ref("finance_audit.ir_cron_verify")
        self.start = fields.Datetime.now()
        self.run_job("_cron_verify")
        job.write({"interval_number": 10, "interval_type": "months"})
        self.watch_after(timedelta(days=6))
        self.assertEqual(len(self.results()), 1)
        self.watch_after(timedelta(days=8))
        self.assertEqual(self.results()[0].state, "incomplete")

    def test_a6_a_verification_that_fails_is_an_alarm_and_the_others_go_on(self):
        self.record(company=self.other_company)
        self.sealer._seal_once(self.other_company.id)
        examine = type(self.verifications)._examine

        def fail(model, log_id):
            if log_id == self.log:
                model.env.cr.execute("SELECT 1 / 0")
            return examine(model, log_id)

        with mute_logger("odoo.sql_db"), patch.object(type(self.verifications), "_examine", fail):
            self.run_job("_cron_verify")
        self.assertEqual(self.results().state, "incomplete")
        self.assertIn(self.auditor, self.results().activity_ids.user_id)
        other = self.verifications.search([("log_id", "=", self.other_company.id)])
        self.assertEqual(other.state, "intact")
