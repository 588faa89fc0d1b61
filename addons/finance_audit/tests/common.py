"""Light set-up: two companies, an auditor of one of them, a user without the role, a key that signs."""

import json
import os
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

import psycopg2
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import mute_logger

from ..core import signing
from .fixtures import FIXTURE_MODULE

RING = f"test-1:{'A' * 43}=\n"


def unguarded(env, table):
    """Take the guards of a table away for the rest of the test, as someone with its owner's role can."""
    env.cr.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


class AuditCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.entries = cls.env["finance.audit.entry"]
        cls.company = cls.env["res.company"].create({"name": "Nordlicht Handel"})
        cls.other_company = cls.env["res.company"].create({"name": "Sudwind Import"})
        cls.auditor = cls._user("audit_reader", "finance_audit.group_auditor")
        cls.outsider = cls._user("audit_outsider", "base.group_user")
        cls.partner = cls.env["res.partner"].create({"name": "Brauhaus Adler"})
        cls.startClassPatcher(patch.dict(os.environ, {signing.SOURCE.variable: RING}))

    def use_ring(self, text):
        self.patch(os, "environ", {**os.environ, signing.SOURCE.variable: text})

    @classmethod
    def _user(cls, login, groups):
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )

    def record(self, **values):
        """Write an entry and return it."""
        uid = self.entries._record(**{"action": "test.done", **values})
        return self.entries.search([("uid", "=", uid)])

    def stored(self, entry):
        """Return the stored bytes and hash of an entry, past the ORM."""
        self.env.cr.execute(
            "SELECT canonical, leaf_hash FROM finance_audit.entry WHERE id = %s", [entry.id]
        )
        return tuple(bytes(value) for value in self.env.cr.fetchone())

    def details(self, entry):
        return json.loads(self.stored(entry)[0])["details"]

    @contextmanager
    def refused_by_database(self, error=psycopg2.errors.InsufficientPrivilege, text=None):
        """Expect PostgreSQL to refuse; the transaction goes on."""
        pattern = text or "append-only|permission denied"
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(error, pattern),
            self.env.cr.savepoint(flush=False),
        ):
            yield

    def is_superuser(self):
        self.env.cr.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return self.env.cr.fetchone()[0]


class FixtureCase(AuditCase):
    """Adds the fixture models to the registry and takes them out again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Odoo notes to which module a relation table belongs.
        cls.env["ir.module.module"].create({"name": FIXTURE_MODULE})
        names = cls.registry.load(SimpleNamespace(name=FIXTURE_MODULE))
        cls.addClassCleanup(cls._forget, names)
        cls.registry._setup_models__(cls.env.cr, [])
        cls.registry.init_models(cls.env.cr, names, {"models_to_check": True})
        cls._allow(names)
        cls.settings = cls.env["finance.audit.fixture.setting"]
        cls.documents = cls.env["finance.audit.fixture.document"]

    @classmethod
    def _allow(cls, names):
        """Let every employee work with the fixtures."""
        for name in names:
            cls.env["ir.model.access"].create(
                {
                    "name": name,
                    "model_id": cls.env["ir.model"]._get_id(name),
                    "group_id": cls.env.ref("base.group_user").id,
                    **{f"perm_{right}": True for right in ("read", "write", "create", "unlink")},
                }
            )

    @classmethod
    def _forget(cls, names):
        for name in names:
            del cls.registry[name]
        cls.registry._setup_models__(cls.env.cr, [])
