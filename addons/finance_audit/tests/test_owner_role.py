"""A2: what each level of protection stops; the table of docs/audit.md, cell by cell.

A database of its own, with the tables alone, because the roles are real and what is refused must be
refused by PostgreSQL.
"""

import os
from unittest import SkipTest

import psycopg2
from odoo import sql_db
from odoo.tests import BaseCase, tagged

from ..core import schema, sealing
from ..core.schema import QUERIES
from ..core.tree import leaf_hash

ENTRY = (
    '{"uid":"00000000-0000-4000-8000-000000000001","created_at":"2026-03-03T09:00:00+00:00",'
    '"user_id":1,"real_user_id":1,"user_login":"ana","source":"ui","action":"a.b","outcome":"info",'
    '"summary":"As it was."}'
)
# What changes evidence, and what takes the guards away first.
CHANGES = {
    "UPDATE": "UPDATE finance_audit.entry SET summary = 'x'",
    "DELETE": "DELETE FROM finance_audit.entry",
    "TRUNCATE": "TRUNCATE finance_audit.entry",
    "UPDATE seal": "UPDATE finance_audit.seal SET size = 1",
    "DELETE checkpoint": "DELETE FROM finance_audit.checkpoint",
    "TRUNCATE anchor": "TRUNCATE finance_audit.anchor",
}
DISMANTLING = {
    "DISABLE TRIGGER": "ALTER TABLE finance_audit.entry DISABLE TRIGGER ALL",
    "DISABLE one TRIGGER": "ALTER TABLE finance_audit.entry DISABLE TRIGGER entry_refuse_row",
    "DROP TRIGGER": "DROP TRIGGER entry_refuse_row ON finance_audit.entry",
    "DROP TABLE": "DROP TABLE finance_audit.entry",
    "DROP SCHEMA": "DROP SCHEMA finance_audit CASCADE",
    "DROP CONSTRAINT": "ALTER TABLE finance_audit.entry DROP CONSTRAINT entry_leaf_hash_true",
    "replace a guard": "CREATE OR REPLACE FUNCTION finance_audit.refuse_change() RETURNS trigger "
    "LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    # PostgreSQL only warns whoever may not grant: what counts is what is held afterwards.
    "GRANT": """DO $$ BEGIN
        GRANT UPDATE ON finance_audit.entry TO CURRENT_USER;
        IF NOT has_table_privilege('finance_audit.entry', 'UPDATE') THEN
            RAISE insufficient_privilege;
        END IF;
    END $$""",
    "new object": "CREATE TABLE finance_audit.other (id integer)",
}


class LevelCase(BaseCase):
    database = f"fc_test_audit_roles_{os.getpid()}"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin_call(f'CREATE DATABASE "{cls.database}"', as_admin=False)
        cls.addClassCleanup(cls.drop_database)
        with cls.connect() as connection, connection.cursor() as cr:
            for name in sorted(path.name for path in schema.SQL.glob("0[123]*.sql")):
                cr.execute(schema.script(name))
            cls.append(cr)

    @classmethod
    def drop_database(cls):
        """Drop it as a superuser: a superuser's connection of a test may still be closing."""
        statement = f'DROP DATABASE "{cls.database}" WITH (FORCE)'
        try:
            cls.admin_call(statement)
        except SkipTest:
            cls.admin_call(statement, as_admin=False)

    @classmethod
    def connect(cls, user=None, database=None):
        _name, info = sql_db.connection_info_for(database or cls.database)
        info.pop("application_name", None)
        connection = psycopg2.connect(**{**info, **({"user": user} if user else {})})
        cls.addClassCleanup(connection.close)
        return connection

    @classmethod
    def admin(cls, database=None):
        """A superuser of PostgreSQL; on the project's own server it needs no password."""
        try:
            return cls.connect(os.environ.get("FINANCE_TEST_PG_SUPERUSER", "postgres"), database)
        except psycopg2.OperationalError as error:
            raise SkipTest(f"no superuser of PostgreSQL to log in as: {error}") from error

    @classmethod
    def admin_call(cls, statement, as_admin=True):
        connection = cls.admin("postgres") if as_admin else cls.connect(database="postgres")
        connection.autocommit = True
        with connection.cursor() as cr:
            cr.execute(statement)

    @classmethod
    def append(cls, cr, entry=ENTRY):
        data = entry.encode()
        values = {"canonical": [data], "leaf_hash": [leaf_hash(data)]}
        cr.execute(QUERIES["append"], values)

    def outcome(self, connection, statement):
        """Return "refused" or "done" for an attempt, which is rolled back."""
        try:
            with connection.cursor() as cr:
                cr.execute(statement)
            return "done"
        except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.RaiseException):
            return "refused"
        finally:
            connection.rollback()

    def outcomes(self, connection, attempts):
        return {name: self.outcome(connection, attempt) for name, attempt in attempts.items()}


@tagged("post_install", "-at_install")
class TestOneRole(LevelCase):
    def test_a2_one_role_changes_nothing_but_may_dismantle(self):
        connection = self.connect()
        if connection.info.user == "postgres":
            self.skipTest("Odoo's role is a superuser here")
        self.assertEqual(set(self.outcomes(connection, CHANGES).values()), {"refused"})
        found = self.outcomes(connection, DISMANTLING)
        self.assertEqual({name for name, what in found.items() if what == "refused"}, set())
        with connection.cursor() as cr:
            self.assertTrue(schema.owns(cr))

    def test_a2_a_superuser_is_held_by_the_triggers_only(self):
        connection = self.admin()
        self.assertEqual(set(self.outcomes(connection, CHANGES).values()), {"refused"})
        self.assertEqual(set(self.outcomes(connection, DISMANTLING).values()), {"done"})


@tagged("post_install", "-at_install")
class TestOwnerRole(LevelCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.role = cls.connect().info.user
        connection = cls.admin()
        with connection.cursor() as cr:
            cr.execute("SELECT set_config('finance_audit.application_role', %s, false)", [cls.role])
            cr.execute(schema.script("owner_role.sql"))
        connection.commit()

    def test_a2_with_an_owner_role_nothing_can_be_changed_nor_dismantled(self):
        connection = self.connect()
        self.assertEqual(set(self.outcomes(connection, CHANGES).values()), {"refused"})
        self.assertEqual(set(self.outcomes(connection, DISMANTLING).values()), {"refused"})
        with connection.cursor() as cr:
            self.assertFalse(schema.owns(cr))

    def test_a2_odoo_cannot_become_the_owner(self):
        for attempt in (
            "SET ROLE finance_audit_owner",
            f"GRANT finance_audit_owner TO {self.role}",
        ):
            self.assertEqual(self.outcome(self.connect(), attempt), "refused")

    def test_a2_writing_sealing_and_erasing_go_on(self):
        with self.connect().cursor() as cr:
            self.append(cr, ENTRY.replace("000001", "000002"))
            cr.execute(
                "INSERT INTO finance_audit.erasable VALUES "
                "('00000000-0000-4000-8000-000000000002', 0, 'x', now())"
            )
            cr.execute("DELETE FROM finance_audit.erasable")
            self.assertEqual(cr.rowcount, 1)

            self.assertTrue(sealing.lock(cr, 0))
            self.assertEqual(sealing.seal(cr, 0), 2)
            cr.connection.rollback()

    def test_a2_an_upgrade_leaves_the_tables_to_their_owner(self):
        """Only the views are made again; they need Odoo's tables, so their text is replaced here."""
        executed = []

        class Recorder:
            def __init__(self, cr):
                self._cr = cr

            def execute(self, statement, values=None):
                if statement.startswith("SELECT"):
                    self._cr.execute(statement, values)
                else:
                    executed.append(statement)

            def fetchone(self):
                return self._cr.fetchone()

        with self.connect().cursor() as cr:
            schema.create(Recorder(cr))
        self.assertEqual(executed, [schema.script("04_views.sql")])
