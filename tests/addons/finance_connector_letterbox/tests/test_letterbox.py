"""The adapter keeps the contract, and the dispatcher delivers a letter through it."""

import base64
import itertools
import os
from unittest.mock import patch

from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.addons.finance_connector_base.core.http.transport import Transport
from odoo.addons.finance_connector_base.core.protocol import Call
from odoo.addons.finance_connector_base.core.security.vault import ENVIRONMENT_KEYS
from odoo.addons.finance_connector_base.tests.conformance import Subject, examine
from odoo.tests import TransactionCase, tagged
from odoo.tests.common import release_test_lock

from ..core.letterbox import Letterbox
from .letterbox_server import KEY, LetterboxServer


@tagged("post_install", "-at_install")
class TestLetterbox(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.box = cls.enterClassContext(LetterboxServer())

    def test_the_adapter_keeps_the_contract(self):
        box, numbers = self.box, itertools.count(1)

        def letter(operation):
            number = next(numbers)
            return Call(operation, f"letter-{number}", b"Dear %d" % number)

        subject = Subject(
            protocol=lambda: Letterbox(box.url, KEY),
            transport=lambda: Transport("sandbox", NetworkPolicy(sandbox=True)),
            operations=self.env["finance.adapter.letterbox"]._operations,
            call=letter,
            effects=lambda call: box.posted.get(call.key, 0),
            reference=lambda call: box.letters.get(call.key, {}).get("letter", ""),
            secrets=(KEY,),
        )
        self.assertEqual([str(problem) for problem in examine(subject)], [])

    def test_a_letter_is_delivered(self):
        ring = "test:" + base64.b64encode(os.urandom(32)).decode()
        self.enterContext(patch.dict(os.environ, {ENVIRONMENT_KEYS: ring}))
        self.env.user.group_ids |= self.env.ref("finance_connector_base.group_admin")
        connection = self.env["finance.connection"].create(
            {
                "name": "Letterbox",
                "provider": "letterbox",
                "environment": "sandbox",
                "base_url": self.box.url,
            }
        )
        connection._set_secret("api_key", KEY)
        connection.action_test()
        connection.action_activate()
        exchange = self.env["finance.exchange"]._enqueue(
            connection,
            "letter",
            b"Dear reader",
            key="first",
            owner=self.env["res.partner"],
            document=connection.company_id.partner_id,
        )
        self.env.flush_all()
        self.registry_enter_test_mode()
        with release_test_lock():
            self.env["finance.dispatcher"]._round()
        self.env.invalidate_all()
        self.assertEqual(exchange.state, "accepted")
        self.assertEqual(exchange.reference, self.box.letters["first"]["letter"])
