"""A connection whose provider calls back by Standard Webhooks; messages are signed here on their own."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from datetime import timedelta
from unittest.mock import patch

from odoo.addons.finance_audit.tests.common import unguarded

from ..core.delivery import states
from ..core.delivery.outcomes import Accepted, Rejected, Waiting
from ..core.finding import Finding
from ..core.protocol import Operation, ProviderProtocol
from ..core.security.webhook import WebhookEvent, verify_standard_webhook
from ..secret_store import webhook_secrets
from .common import ConnectorCase

SECRET = "whsec_" + base64.b64encode(b"present-secret-of-the-test").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another-secret-of-the-test").decode()
OPERATIONS = (
    Operation("submit", repeat="lookup"),
    Operation("notify", repeat="nothing", verdict="immediate"),
)


@dataclass(frozen=True)
class CallingProvider(ProviderProtocol):
    """Read ``{"events": [{"reference", "key", "verdict", …}]}``."""

    secrets: tuple[str, ...]

    def verify_webhook(self, headers, body, received_at):
        return verify_standard_webhook(headers, body, self.secrets, received_at)

    def read_webhook(self, headers, body):
        return tuple(_event(item) for item in json.loads(body)["events"])


def _event(item):
    reference = item.get("reference", "")
    outcome = {
        "accepted": Accepted(reference),
        "rejected": Rejected((Finding.of_provider("E1", "Wrong total"),), reference),
        "taken": Waiting(reference),
        None: None,
    }[item.get("verdict")]
    return WebhookEvent(
        reference, item.get("key", ""), outcome, item.get("event", ""), item.get("sha256", "")
    )


def message(*events, **one):
    """A body as the provider writes it, with spaces that a second serialisation would not keep."""
    return json.dumps({"events": list(events) or [one]}, indent=1).encode()


def signed(body, message_id="msg_1", age=0, secret=SECRET):
    """The headers of a message sent ``age`` seconds ago."""
    sent = str(int(time.time()) - age)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{message_id}.{sent}.".encode() + body
    mark = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{mark}",
        "content-type": "application/json",
    }


class WebhookCase(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        adapter = cls.registry[cls.connection._adapter()._name]
        for name, value in (
            ("_operations", OPERATIONS),
            ("_webhook_scheme", "standard"),
            ("_webhook_status", 202),
            (
                "_protocol",
                lambda _self, _connection, secrets: CallingProvider(webhook_secrets(secrets)),
            ),
        ):
            cls.enterClassContext(patch.object(adapter, name, value))
        cls.operation = "submit"
        cls.by_admin = cls.connection.with_user(cls.users["admin"])
        cls.by_admin.action_renew_webhook_token()
        cls.connection.webhook_secret = SECRET
        cls.events = cls.env["finance.webhook.event"]

    def receive(self, body, message_id="msg_1", connection=None):
        return self.events._receive(connection or self.connection, signed(body, message_id), body)

    def receive_event(self, message_id="msg_1", **event):
        """Receive a message about one event; return what was stored."""
        return self.receive(message(**event), message_id)

    def process(self):
        """Process everything that was received, without waiting for its pause."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE finance_webhook_event SET next_try_at = '2020-01-01' WHERE state = 'received'"
        )
        self.env.invalidate_all()
        return self.events._process_due()

    def exchange_in(self, state, reference="r-1", key="key-1", operation="submit", **values):
        """An exchange that has come to ``state`` on the usual way."""
        self.operation = operation
        exchange = self.enqueue(key=key)
        way = {
            states.PENDING: (),
            states.SENDING: (states.SENDING,),
            states.FAILED: (states.SENDING, states.FAILED),
        }.get(state, (states.SENDING, state))
        for step in way:
            exchange._transition(step, step, reference=reference)
        exchange.write({"next_step_at": False, **values})
        return exchange

    def age(self, event, **delta):
        self.env.flush_all()
        unguarded(self.env, "finance_webhook_event")
        self.env.cr.execute(
            "UPDATE finance_webhook_event SET received_at = received_at - %s WHERE id = %s",
            (timedelta(**delta), event.id),
        )
        self.env.invalidate_all()

    def entries(self, record):
        return self.env["finance.audit.entry"].search(
            [("record_model", "=", record._name), ("record_id", "=", record.id)]
        )
