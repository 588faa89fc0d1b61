"""A2, first level: entries cannot be changed, neither by SQL with the application's privileges nor through the ORM."""

import psycopg2
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..core.tree import leaf_hash
from ..exceptions import EvidenceIsAppendOnly
from ..hooks import uninstall_hook
from .common import AuditCase

ATTEMPTS = {
    "update": "UPDATE finance_audit.entry SET summary = 'rewritten'",
    "update of no row": "UPDATE finance_audit.entry SET summary = '' WHERE false",
    "delete": "DELETE FROM finance_audit.entry",
    "delete of no row": "DELETE FROM finance_audit.entry WHERE false",
    "truncate": "TRUNCATE finance_audit.entry",
    "upsert": """
        INSERT INTO finance_audit.entry (uid, created_at, user_id, real_user_id, user_login,
            source, action, outcome, summary, canonical, leaf_hash)
        SELECT uid, created_at, user_id, real_user_id, user_login,
            source, action, outcome, summary, canonical, leaf_hash FROM finance_audit.entry
        ON CONFLICT (uid) DO UPDATE SET summary = 'rewritten'
    """,
}


@tagged("post_install", "-at_install")
class TestAppendOnly(AuditCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        uid = cls.entries._record(action="test.done", record=cls.partner, summary="As it was.")
        cls.entry = cls.entries.search([("uid", "=", uid)])

    def rows(self):
        self.env.cr.execute("SELECT entry::text FROM finance_audit.entry ORDER BY id")
        return self.env.cr.fetchall()

    # -- SQL -----------------------------------------------------------------------------------

    def test_a2_sql_of_the_application_cannot_change_an_entry(self):
        before = self.rows()
        for name, attempt in ATTEMPTS.items():
            with self.subTest(name), self.refused_by_database():
                self.env.cr.execute(attempt)
        self.assertEqual(self.rows(), before)

    def test_a2_replica_mode_does_not_switch_the_guards_off(self):
        if not self.is_superuser():
            self.skipTest("only a superuser of PostgreSQL may set session_replication_role")
        for name, attempt in ATTEMPTS.items():
            with self.subTest(name), self.refused_by_database():
                self.env.cr.execute("SET LOCAL session_replication_role = replica")
                self.env.cr.execute(attempt)

    def test_a2_the_message_says_what_to_do_instead(self):
        if not self.is_superuser():
            self.skipTest("without privilege PostgreSQL refuses before the trigger can speak")
        with self.refused_by_database(
            text="UPDATE on finance_audit.entry is refused.*further entry"
        ):
            self.env.cr.execute(ATTEMPTS["update of no row"])

    def test_a2_each_trigger_refuses_by_itself(self):
        """The row's trigger, should the statement's be gone, and the other way round."""
        for gone in ("entry_refuse_statement", "entry_refuse_row"):
            for name in ("update", "delete"):
                with self.subTest(f"{name} without {gone}"), self.refused_by_database():
                    self.env.cr.execute(f"DROP TRIGGER {gone} ON finance_audit.entry")
                    self.env.cr.execute(ATTEMPTS[name])

    def test_a2_even_the_owner_holds_no_privilege_to_change(self):
        self.env.cr.execute(
            """SELECT acl.grantee, acl.privilege_type
                 FROM pg_class, aclexplode(relacl) AS acl
                WHERE pg_class.oid = 'finance_audit.entry'::regclass"""
        )
        granted = self.env.cr.fetchall()
        self.env.cr.execute("SELECT current_user::regrole::oid")
        owner = self.env.cr.fetchone()[0]
        self.assertEqual({grantee for grantee, _privilege in granted}, {owner})
        privileges = {privilege for _grantee, privilege in granted}
        self.assertLessEqual({"SELECT", "INSERT"}, privileges)
        self.assertFalse(privileges & {"UPDATE", "DELETE", "TRUNCATE"})

    def test_a2_the_view_takes_no_change(self):
        for attempt in (
            "UPDATE finance_audit_entry SET recorded_summary = ''",
            "DELETE FROM finance_audit_entry",
            "INSERT INTO finance_audit_entry (recorded_summary) VALUES ('')",
        ):
            error = psycopg2.errors.ObjectNotInPrerequisiteState
            with self.subTest(attempt), self.refused_by_database(error, "cannot"):
                self.env.cr.execute(attempt)

    def insert_copy(self, **changes):
        """Insert a copy of the entry past the model, with some columns changed."""
        names = "uid created_at company_id user_id real_user_id user_login source action outcome"
        names += " summary record_model record_id record_name document_model document_id"
        names += " document_name correlation_id canonical leaf_hash"
        columns = {name: f"entry.{name}" for name in names.split()}
        columns.update(dict.fromkeys(changes, "%s"))
        order = [name for name in columns if name in changes]
        self.env.cr.execute(
            f"INSERT INTO finance_audit.entry ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM finance_audit.entry WHERE id = %s",
            [*(changes[name] for name in order), self.entry.id],
        )

    def test_a2_an_insert_cannot_lie_about_its_hash(self):
        with self.refused_by_database(psycopg2.errors.CheckViolation, "entry_leaf_hash_true"):
            self.insert_copy(leaf_hash=leaf_hash(b"something else"))

    def test_a2_an_insert_cannot_let_columns_contradict_the_bytes(self):
        for column, lie in (("summary", "Another summary."), ("user_id", 2), ("company_id", 999)):
            with (
                self.subTest(column),
                self.refused_by_database(psycopg2.errors.CheckViolation, "canonical bytes"),
            ):
                self.insert_copy(**{column: lie})

    def test_a2_the_same_entry_cannot_be_inserted_twice(self):
        with self.refused_by_database(psycopg2.errors.UniqueViolation, "entry_uid_unique"):
            self.insert_copy()

    # -- ORM -----------------------------------------------------------------------------------

    def test_a2_the_orm_refuses_everybody(self):
        for entry in (self.entry, self.entry.sudo(), self.entry.with_user(self.auditor)):
            for change in (
                lambda e: e.create({"summary": "x"}),
                lambda e: e.create([]),
                lambda e: e.write({"summary": "x"}),
                lambda e: e.copy(),
            ):
                with self.assertRaises(EvidenceIsAppendOnly):
                    change(entry)
            # An auditor has no right to delete in the first place.
            with self.assertRaises(UserError):
                entry.unlink()
        with self.assertRaises(EvidenceIsAppendOnly):
            self.entry.summary = "x"

    def test_a2_remote_calls_cannot_write(self):
        entries = self.entries.with_user(self.auditor)
        for method, args in (
            ("create", [{"summary": "x"}]),
            ("web_save", [self.entry.ids, {"summary": "x"}, {}]),
            ("write", [self.entry.ids, {"summary": "x"}]),
            ("unlink", [self.entry.ids]),
            ("copy", [self.entry.ids]),
        ):
            with self.subTest(method), self.assertRaises(UserError):
                call_kw(entries, method, args, {})
        self.assertEqual(self.entry.summary, "As it was.")

    def test_a2_an_import_creates_nothing(self):
        before = self.rows()
        result = self.entries.with_user(self.auditor).load(["summary"], [["x"]])
        self.assertFalse(result["ids"])
        self.assertIn("cannot be created", result["messages"][0]["message"])
        self.assertEqual(self.rows(), before)

    def test_a2_remote_calls_cannot_record(self):
        admin = self.entries.with_user(self.env.ref("base.user_admin"))
        for method in ("_record", "_record_many", "_append", "init"):
            with self.subTest(method), self.assertRaises(AccessError):
                call_kw(admin, method, [], {})

    # -- life of the addon ---------------------------------------------------------------------

    def test_an_upgrade_keeps_every_entry_as_it_is(self):
        before = self.rows()
        self.entries.init()
        self.assertEqual(self.rows(), before)

    def test_uninstalling_leaves_nothing_behind(self):
        with self.env.cr.savepoint() as savepoint:
            uninstall_hook(self.env)
            self.env.cr.execute(
                "SELECT to_regnamespace('finance_audit'), to_regclass('finance_audit_entry')"
            )
            self.assertEqual(self.env.cr.fetchone(), (None, None))
            savepoint.rollback()
        self.assertTrue(self.rows())

    def test_groups_are_deleted_after_the_evidence_is_dropped(self):
        """Odoo deletes the records of an addon after its hook has run: roles must not remain."""
        role = self.env.ref("finance_audit.group_auditor")
        self.assertIn(self.auditor, role.user_ids)
        target = self.env["finance.audit.anchor.target"].create(
            {"name": "x", "kind": "mail", "emails": "auditor@example.com"}
        )
        with self.env.cr.savepoint() as savepoint:
            uninstall_hook(self.env)
            module = self.env["ir.module.module"].search([("name", "=", "finance_audit")])
            module.state = "to remove"
            module.flush_recordset()
            self.env["ir.model.access"].search([("group_id", "=", role.id)]).unlink()
            role.unlink()
            target.unlink()
            self.assertFalse(role.exists())
            savepoint.rollback()

    def test_a_missing_table_stops_the_operation_unless_the_addon_is_uninstalled(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UndefinedTable),
            self.env.cr.savepoint(),
        ):
            uninstall_hook(self.env)
            self.record()
