"""A2: the level of protection is known, and its loss is noticed and recorded."""

from odoo.tests import tagged

from ..core.protection import CONSTRAINTS, TRIGGERS
from .common import AuditCase

LOGGER = "odoo.addons.finance_audit.models.finance_audit_protection"


@tagged("post_install", "-at_install")
class TestProtection(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.protection = cls.env["finance.audit.protection"]

    def alarms(self):
        return self.entries.search([("action", "=like", "audit.protection.%")], order="id")

    def start(self):
        """As when a server loads the registry."""
        self.protection._register_hook()

    def drop_a_trigger(self):
        self.env.cr.execute("DROP TRIGGER entry_refuse_row ON finance_audit.entry")

    def test_a2_the_level_is_what_the_database_role_allows(self):
        state = self.protection._state()
        self.assertEqual(state.weaknesses, ())
        expected = "triggers" if self.is_superuser() else "triggers_privileges"
        self.assertEqual(state.level, expected)

    def test_a2_a_sound_start_is_silent(self):
        before = self.alarms()
        with self.assertNoLogs(LOGGER):
            self.start()
        self.assertEqual(self.alarms(), before)

    def test_a2_a_dropped_trigger_is_alarmed_at_the_next_start(self):
        before = self.alarms()
        self.drop_a_trigger()
        with self.assertLogs(LOGGER, "WARNING") as logs:
            self.start()
        self.assertIn("trigger_missing:entry_refuse_row", logs.output[0])
        alarm = self.alarms() - before
        self.assertEqual((alarm.action, alarm.outcome), ("audit.protection.lost", "failure"))
        self.assertEqual(self.details(alarm)["weaknesses"], ["trigger_missing:entry_refuse_row"])

    def test_a2_every_start_warns_but_one_entry_is_enough(self):
        before = self.alarms()
        self.drop_a_trigger()
        for _start in range(3):
            with self.assertLogs(LOGGER, "WARNING"):
                self.start()
        self.assertEqual(len(self.alarms() - before), 1)

    def test_a2_a_disabled_trigger_is_alarmed(self):
        self.env.cr.execute("ALTER TABLE finance_audit.entry DISABLE TRIGGER entry_refuse_truncate")
        self.assertEqual(
            self.protection._state().weaknesses, ("trigger_disabled:entry_refuse_truncate",)
        )

    def test_a2_a_guard_without_teeth_is_alarmed(self):
        self.env.cr.execute(
            """CREATE OR REPLACE FUNCTION finance_audit.refuse_change() RETURNS trigger
               LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"""
        )
        self.assertEqual(self.protection._state().weaknesses, ("function_replaced:refuse_change",))

    def test_a2_a_dropped_constraint_is_alarmed(self):
        self.env.cr.execute("ALTER TABLE finance_audit.entry DROP CONSTRAINT entry_leaf_hash_true")
        self.assertEqual(
            self.protection._state().weaknesses, ("constraint_missing:entry_leaf_hash_true",)
        )

    def test_a2_a_privilege_given_back_is_alarmed(self):
        if self.is_superuser():
            self.skipTest("a superuser of PostgreSQL holds every privilege anyway")
        self.env.cr.execute("GRANT UPDATE ON finance_audit.entry TO CURRENT_USER")
        self.assertEqual(self.protection._state().weaknesses, ("privilege_held:UPDATE",))

    def test_a2_the_alarm_is_recorded_even_when_the_insert_guard_is_gone(self):
        before = self.alarms()
        self.env.cr.execute("DROP TRIGGER entry_columns_agree ON finance_audit.entry")
        with self.assertLogs(LOGGER, "WARNING"):
            self.start()
        self.assertEqual(len(self.alarms() - before), 1)

    def test_a2_an_upgrade_restores_the_guards_and_records_the_gap(self):
        before = self.alarms()
        self.drop_a_trigger()
        self.env.cr.execute("ALTER TABLE finance_audit.entry DISABLE TRIGGER entry_refuse_truncate")
        self.entries.init()
        self.assertEqual(self.protection._state().weaknesses, ())
        self.assertEqual(
            (self.alarms() - before).mapped("action"),
            ["audit.protection.lost", "audit.protection.restored"],
        )
        with self.refused_by_database():
            self.env.cr.execute("TRUNCATE finance_audit.entry")

    def test_a2_an_upgrade_restores_every_kind_of_guard(self):
        for name in CONSTRAINTS:
            table = name.partition("_")[0]
            self.env.cr.execute(f"ALTER TABLE finance_audit.{table} DROP CONSTRAINT {name}")
        for name in TRIGGERS:
            table = name.removesuffix("_columns_agree").partition("_refuse")[0]
            self.env.cr.execute(f"DROP TRIGGER {name} ON finance_audit.{table}")
        self.env.cr.execute("GRANT ALL ON finance_audit.entry TO PUBLIC, CURRENT_USER")
        self.assertGreaterEqual(
            len(self.protection._state().weaknesses), len(CONSTRAINTS) + len(TRIGGERS)
        )
        self.entries.init()
        self.assertEqual(self.protection._state().weaknesses, ())

    def test_a2_an_upgrade_does_not_hide_an_entry_forged_meanwhile(self):
        self.record()
        self.env.cr.execute(
            """ALTER TABLE finance_audit.entry DROP CONSTRAINT entry_leaf_hash_true;
               ALTER TABLE finance_audit.entry DISABLE TRIGGER entry_columns_agree;
               INSERT INTO finance_audit.entry (uid, created_at, user_id, real_user_id, user_login,
                   source, action, outcome, summary, canonical, leaf_hash)
               VALUES (gen_random_uuid(), now(), 1, 1, '', 'cli', 'a.b', 'info', '', '{}', '{}')"""
        )
        self.entries.init()
        self.assertEqual(
            self.protection._state().weaknesses, ("constraint_missing:entry_leaf_hash_true",)
        )

    def test_a2_the_auditor_reads_the_level_in_words(self):
        page = self.protection.with_user(self.auditor)
        action = page.action_open()
        shown = page.browse(action["res_id"])
        self.assertEqual(shown.level, self.protection._state().level)
        self.assertIn("Not prevented", shown.explanation)
        self.drop_a_trigger()
        lost = page.browse(page.action_open()["res_id"])
        self.assertEqual(lost.level, "lost")
        self.assertIn("trigger_missing:entry_refuse_row", lost.explanation)
