"""One light set-up for the connector base: two companies, one user per role, a connection of any provider."""

import base64
import os
from unittest.mock import patch

from odoo.tests import TransactionCase, new_test_user

from ..core.security.vault import ENVIRONMENT_KEYS

ROLES = {
    "accountant": "finance_connector_base.group_accountant",
    "operator": "finance_connector_base.group_operator",
    "admin": "finance_connector_base.group_admin",
    "auditor": "finance_audit.group_auditor",
    "employee": "base.group_user",
}


class ConnectorCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        known = cls.env["finance.connection"]._fields["provider"].get_values(cls.env)
        # A registry answers queries and has no operation with an effect.
        providers = [name for name in known if cls.env[f"finance.adapter.{name}"]._operations]
        if not providers:
            cls.skipTest(cls, "a connection needs a provider; no provider addon is installed")
        ring = "test:" + base64.b64encode(os.urandom(32)).decode()
        cls.enterClassContext(patch.dict(os.environ, {ENVIRONMENT_KEYS: ring}))
        cls.company = cls.env["res.company"].create({"name": "Here"})
        cls.other_company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.users = {
            role: new_test_user(
                cls.env,
                f"finance-{role}",
                groups=f"base.group_user,{group}",
                company_id=cls.company.id,
                company_ids=[(6, 0, cls.company.ids)],
            )
            for role, group in ROLES.items()
        }
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "Provider",
                "company_id": cls.company.id,
                "provider": providers[0],
                "environment": "sandbox",
                "base_url": "http://127.0.0.1:9",
            }
        )
        cls.operation = cls.connection._adapter()._operations[0].name

    def enqueue(self, payload=b"<xml/>", key="key-1", **values):
        """An exchange about a partner, without a document to notify."""
        partner = self.env["res.partner"].create({"name": "Document"})
        return self.env["finance.exchange"]._enqueue(
            self.connection,
            self.operation,
            payload,
            key=key,
            owner=partner,
            document=partner,
            **values,
        )
