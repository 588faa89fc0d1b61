"""Step 6 of an effect: tell the documents what became of their exchanges, in transactions of their own."""

import logging

from odoo import api, models

from ..core.security.masking import MaskingFilter

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

_AT_ONCE = 128
_WEBHOOK_EVENTS_AT_ONCE = 64
#: An owner that could not take the news is told again after this time; the others do not wait for it.
_RETRY_SECONDS = 30

_PENDING = """
SELECT id FROM finance_exchange
 WHERE owner_pending
   AND (owner_next_at IS NULL OR owner_next_at <= (clock_timestamp() AT TIME ZONE 'UTC'))
 ORDER BY id LIMIT %s
   FOR UPDATE SKIP LOCKED
"""
_LATER = """
UPDATE finance_exchange
   SET owner_next_at = (clock_timestamp() AT TIME ZONE 'UTC') + %s * interval '1 second'
 WHERE id = %s
"""


class FinanceDispatcher(models.AbstractModel):
    _inherit = "finance.dispatcher"

    @api.model
    def _tell_owners(self):
        """Tell a group of owners in one transaction; if that fails each in its own, so that a bad one costs itself.

        True where the group was full, so that more may be waiting.
        """
        try:
            with self._transaction() as env:
                return env["finance.dispatcher"]._tell_some(_AT_ONCE) == _AT_ONCE
        except Exception:
            _logger.info(
                "a group of owners could not be told; each is told by itself", exc_info=True
            )
            return self._tell_one_by_one() == _AT_ONCE

    def _tell_some(self, limit):
        self.env.cr.execute(_PENDING, (limit,))
        exchanges = self.env["finance.exchange"].browse([row[0] for row in self.env.cr.fetchall()])
        exchanges._tell_owners()
        return len(exchanges)

    def _tell_one_by_one(self):
        with self._transaction() as env:
            env.cr.execute(_PENDING.replace("FOR UPDATE SKIP LOCKED", ""), (_AT_ONCE,))
            ids = [row[0] for row in env.cr.fetchall()]
        for exchange_id in ids:
            try:
                with self._transaction() as env:
                    exchange = env["finance.exchange"].browse(exchange_id)
                    if exchange.try_lock_for_update() and exchange.owner_pending:
                        exchange._tell_owners()
            except Exception:
                _logger.exception("the owner of exchange %s could not be told", exchange_id)
                with self._transaction() as env:
                    env.cr.execute(_LATER, (_RETRY_SECONDS, exchange_id))
        return len(ids)

    @api.model
    def _process_webhook_events(self):
        """Work on what providers have sent by themselves."""
        with self._transaction() as env:
            env["finance.webhook.event"]._process_due(_WEBHOOK_EVENTS_AT_ONCE)
