"""Exchanges and calls of any age and outcome, for the screens of operators."""

import uuid
from datetime import timedelta

from odoo import fields

from .common_case import CaseCase


class OperationsCase(CaseCase):
    def call(self, exchange, outcome="accepted", minutes_ago=1.0, **values):
        """A call that has come back."""
        start = fields.Datetime.now() - timedelta(minutes=minutes_ago)
        return self.env["finance.exchange.attempt"].create(
            {
                "exchange_id": exchange.id,
                "token": str(uuid.uuid4()),
                "step": "send",
                "started_at": start,
                "ended_at": start,
                "outcome": outcome,
                "http_status": 200,
                "latency_ms": 10,
                **values,
            }
        )

    def throttle(self, **values):
        """Change what the workers share about the connection."""
        throttle = self.connection.throttle_ids.sudo()
        throttle.write(values)
        return throttle

    def seal(self, state="paused", test="ok"):
        """The connection as after an activation in this database."""
        self.connection.write(
            {
                "state": state,
                "last_test_result": test,
                "sealed_database": self.connection._database_uuid(),
            }
        )

    def soon(self, seconds):
        return fields.Datetime.now() + timedelta(seconds=seconds)
