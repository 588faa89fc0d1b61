"""The dispatcher that most connectors have: one record, one call, one commit. For comparison only.

It takes the oldest record that is not done, calls the provider in the same transaction and commits what came back.
Killed or cut off between the call and the commit it starts again with the same record.
"""

import logging
import time

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    Duplicate,
    Rejected,
    Waiting,
)
from odoo.addons.finance_connector_base.core.protocol import Call

from .boundaries import NAIVE, SENT_NOT_STORED

_logger = logging.getLogger(__name__)
#: It believes that a document "already there" is its own, and that what was taken will be accepted.
_STATES = {Accepted: "accepted", Duplicate: "accepted", Waiting: "accepted", Rejected: "rejected"}
_PAUSE = 0.2
_NEXT = """
SELECT id FROM finance_exchange
 WHERE state = 'pending'
   AND NOT EXISTS (SELECT 1 FROM finance_exchange b WHERE b.chain = finance_exchange.chain
                   AND b.connection_id = finance_exchange.connection_id
                   AND b.id < finance_exchange.id AND b.state = 'pending')
 ORDER BY COALESCE(send_count, 0), id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_STORE = """
UPDATE finance_exchange SET send_count = COALESCE(send_count, 0) + 1, status_code = %s, reference = %s, state = %s
 WHERE id = %s
"""


def live(line, injector) -> None:
    """Until killed."""
    while True:
        try:
            with line.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                done = _send_one(env, injector)
                injector.reach(NAIVE[1])
            if not done:
                time.sleep(_PAUSE)
        except psycopg2.Error as error:
            _logger.warning("%s lost the database: %s", line.line.who, error)
            time.sleep(_PAUSE)


def _send_one(env, injector) -> bool:
    env.cr.execute(_NEXT)
    found = env.cr.fetchone()
    if not found:
        return False
    exchange = env["finance.exchange"].browse(found[0])
    call = Call(
        exchange.operation,
        exchange.idempotency_key,
        exchange._payload_bytes(),
        exchange.parameters or {},
    )
    from odoo.addons.finance_connector_base.secret_store import pooled_client

    outcome = pooled_client(exchange.connection_id).perform("send", call).outcome
    injector.reach(SENT_NOT_STORED)
    state = _STATES.get(type(outcome), "pending")
    reference = getattr(outcome, "reference", "") or None
    env.cr.execute(_STORE, (outcome.code, reference, state, exchange.id))
    return True
