"""A company connected to a sandbox that runs in a thread of the test."""

import base64
import os
import sys
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.addons.finance_connector_base.core.security.vault import ENVIRONMENT_KEYS
from odoo.tests import TransactionCase
from odoo.tests.common import _super_send

PROJECT = Path(__file__).parents[4]
API_KEY = "reference-key"


class ReferenceCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.control = cls._start_sandbox()
        ring = "test:" + base64.b64encode(os.urandom(32)).decode()
        cls.enterClassContext(patch.dict(os.environ, {ENVIRONMENT_KEYS: ring}))
        cls.env.user.group_ids |= cls.env.ref("finance_connector_base.group_admin") | cls.env.ref(
            "finance_connector_base.group_operator"
        )
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "Reference",
                "provider": "reference",
                "environment": "sandbox",
                "base_url": f"{cls.control.url}/reference",
                "reference_api_key": API_KEY,
                # What is not about feeds counts its calls without them.
                "receives_documents": False,
            }
        )
        cls.chain = cls.env["finance.reference.chain"].create(
            {"name": "A", "connection_id": cls.connection.id}
        )

    @classmethod
    def _start_sandbox(cls):
        sys.path.insert(0, str(PROJECT))
        cls.addClassCleanup(sys.path.remove, str(PROJECT))
        from sandbox.client import ControlClient
        from sandbox.server import SandboxThread

        server = cls.enterClassContext(SandboxThread())
        return cls.enterClassContext(ControlClient(server.url))

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        """Odoo's guard against the network cannot read a pair of time-outs; the loopback address needs no guard."""
        if urlsplit(request.url).hostname == "127.0.0.1":
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **options)

    def setUp(self):
        super().setUp()
        self.control.reset()

    def document(self, operation, name="D-1", **values):
        """A document in the outbox."""
        chain = self.chain if operation == "chain" else None
        return self.env["finance.reference.document"]._send(
            self.connection, operation, name, chain=chain, **values
        )
