"""Companies connected to VIES and HMRC of a sandbox."""

import base64
import os
import re
import sys
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.addons.finance_connector_base.core.security.vault import ENVIRONMENT_KEYS
from odoo.tests import TransactionCase
from odoo.tests.common import _super_send

PROJECT = Path(__file__).parents[3]
OWN = "FR83404833048"
CUSTOMER = "BE0411905847"
BRITISH = "GB553557881"


def table(heading, columns):
    """Return the first columns of the table under a heading of the documentation."""
    text = (PROJECT / "docs" / "registry.md").read_text(encoding="utf-8")
    rows = text.split(f"## {heading}", 1)[1].split("\n## ", 1)[0].splitlines()
    cells = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows if "|" in row]
    return [tuple(row[:columns]) for row in cells[2:] if not re.fullmatch(r"-+", row[0])]


class RegistryCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not (PROJECT / "sandbox").is_dir():
            cls.skipTest(cls, "the sandbox of providers is not beside the addons")
        sys.path.insert(0, str(PROJECT))
        cls.addClassCleanup(sys.path.remove, str(PROJECT))
        from sandbox.client import ControlClient
        from sandbox.server import SandboxThread

        server = cls.enterClassContext(SandboxThread())
        cls.control = cls.enterClassContext(ControlClient(server.url))
        ring = "test:" + base64.b64encode(os.urandom(32)).decode()
        cls.enterClassContext(patch.dict(os.environ, {ENVIRONMENT_KEYS: ring}))
        cls.env.user.group_ids |= cls.env.ref("finance_connector_base.group_admin")
        cls.company = cls.env["res.company"].create(
            {"name": "Asker", "country_id": cls.env.ref("base.fr").id, "vat": OWN}
        )
        cls.env.user.company_ids |= cls.company
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company.ids})
        cls.vies = cls._connect("vies", base_url=f"{server.url}/vies/services/checkVatService")
        cls.hmrc = cls._connect(
            "hmrc",
            base_url=f"{server.url}/hmrc",
            hmrc_client_id="hmrc-client",
            hmrc_client_secret="hmrc-secret",
        )
        partners = cls.env["res.partner"].with_context(no_vat_validation=True)
        cls.partner = partners.create({"name": "Customer", "vat": CUSTOMER, "is_company": True})
        cls.british = partners.create({"name": "British", "vat": BRITISH, "is_company": True})

    @classmethod
    def _connect(cls, provider, **values):
        connection = cls.env["finance.connection"].create(
            {
                "name": provider,
                "company_id": cls.company.id,
                "provider": provider,
                "environment": "sandbox",
                "breaker_threshold": 1000,
                **values,
            }
        )
        connection.action_test()
        connection.action_activate()
        return connection

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        if urlsplit(request.url).hostname == "127.0.0.1":
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **options)

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()

    def answer_with(self, faults):
        self.control.settings("vies", answer_with=faults)

    def check(self, partner=None):
        partner = partner or self.partner
        partner.action_check_vat()
        return self.env["finance.registry.check"]._of(partner, self.company)
