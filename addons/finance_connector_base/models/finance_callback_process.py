"""What a stored callback leads to: it moves its exchange on, has the provider asked, or is kept as evidence.

The exchange is changed only while its row is locked here and no step of it is on its way, so that news can neither
overtake an answer nor be overtaken (X4). A callback never makes anything be sent that was not to be sent anyway.
"""

import hashlib
import logging
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..core import cases
from ..core.delivery import states
from ..core.delivery.outcomes import Accepted, Rejected, Waiting
from ..core.security.masking import MaskingFilter
from ..core.security.webhook import plain
from .finance_webhook_event import FAILED, IGNORED, PROCESSED, RECEIVED

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: The step under which the life of an exchange knows an outcome that came by callback.
STEP = "callback"
BATCH = 50
#: A callback may overtake the commit of our own send; after this time its exchange is not one of ours.
STRANGER_AFTER = timedelta(minutes=10)
#: Tries that broke before a person must look.
MAX_FAILURES = 8
_LONGEST_PAUSE = 60
#: Between a callback and its exchange a step of our own comes first.
_BUSY = frozenset({states.PENDING, states.SENDING, states.HELD})
_TONE = {PROCESSED: "success", IGNORED: "info", FAILED: "failure"}


class FinanceWebhookEvent(models.Model):
    _inherit = "finance.webhook.event"

    @api.model
    def _process_due(self, limit=BATCH):
        """Process due callbacks; the number taken. For the dispatcher, in a READ COMMITTED transaction of its own."""
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM finance_webhook_event
                 WHERE state = 'received'
                   AND next_try_at <= (clock_timestamp() AT TIME ZONE 'UTC')
                 ORDER BY next_try_at, id LIMIT %s FOR UPDATE SKIP LOCKED
                """,
                limit,
            )
        )
        due = self.browse([row[0] for row in self.env.cr.fetchall()])
        due.invalidate_recordset()
        for callback in due:
            callback._process_apart()
        waiting = due.filtered(lambda callback: callback.state == RECEIVED)
        if waiting:
            self.env["finance.exchange"]._wake_dispatcher(at=min(waiting.mapped("next_try_at")))
        return len(due)

    @api.model
    def _seconds_to_next(self):
        """Seconds until the next callback is due (negative: overdue), None: there is none."""
        self.env.cr.execute(
            """
            SELECT EXTRACT(EPOCH FROM MIN(next_try_at) - (clock_timestamp() AT TIME ZONE 'UTC'))
              FROM finance_webhook_event WHERE state = 'received'
            """
        )
        seconds = self.env.cr.fetchone()[0]
        return None if seconds is None else float(seconds)

    def _process_apart(self):
        """Process one; what breaks costs this callback a try and the others nothing (X10)."""
        try:
            with self.env.cr.savepoint():
                self._process()
        except Exception as error:  # whatever an adapter or an owner's code does
            _logger.exception("callback %s could not be processed", self.id)
            self._note_failure(type(error).__name__)

    def _process(self):
        self.ensure_one()
        if hashlib.sha256(self._body_bytes()).hexdigest() != self.body_sha256:
            self._settle(FAILED, self.env._("The stored body does not match its hash"))
            return
        news = self._news()
        exchange = self._named_exchange()
        if exchange:
            self._process_for(exchange, news)
        else:
            self._wait_for_exchange()

    def _news(self):
        """What the message tells, read again from the stored bytes: an adapter may have learnt to read it since."""
        protocol = self.connection_id._adapter()._protocol(self.connection_id)
        news = protocol.read_webhook(self.headers or {}, self._body_bytes())[self.position]
        self.write({"reference": plain(news.reference), "exchange_key": plain(news.key)})
        return news

    def _named_exchange(self):
        """The exchange under our key, which is unique; without one, that under the provider's reference."""
        exchanges = self.env["finance.exchange"]
        if self.exchange_key:
            found = exchanges.search(self._mine("idempotency_key", self.exchange_key))
            if found:
                return found
        if not self.reference:
            return exchanges
        found = exchanges.search(self._mine("reference", self.reference))
        # A corrected version may carry the reference of the one it replaced.
        return found.filtered(lambda item: item.state not in states.FINAL)[:1] or found[:1]

    def _mine(self, name, value):
        return [("connection_id", "=", self.connection_id.id), (name, "=", value)]

    def _wait_for_exchange(self):
        if self._database_time() - self.received_at > STRANGER_AFTER:
            self._settle(IGNORED, self.env._("No exchange of this connection is meant"))
        else:
            self._try_later(self.env._("Its exchange is not known yet"))

    def _process_for(self, exchange, news):
        locked = exchange.try_lock_for_update()
        locked.invalidate_recordset()
        if not locked or locked.claim_token or locked.state in _BUSY:
            self._try_later(self.env._("A step of the exchange comes first"))
            return
        self.exchange_id = locked
        if locked.state in states.FINAL:
            self._keep_late(locked, news)
        else:
            self._bring(locked, news)

    def _keep_late(self, exchange, news):
        """The exchange is decided: the news is kept and changes nothing, even if it says otherwise."""
        label = dict(states.LABELS)[exchange.state]
        verdict = {Accepted: states.ACCEPTED, Rejected: states.REJECTED}.get(type(news.outcome))
        # A version that was replaced had been rejected or had failed.
        before = states.REJECTED if exchange.state == states.SUPERSEDED else exchange.state
        if verdict and verdict != before:
            words = self.env._(
                "It says “%(news)s”, but the exchange is decided (%(state)s): please check",
                news=dict(states.LABELS)[verdict],
                state=label,
            )
            self._settle(PROCESSED, words, tone="warning")
            exchange._open_cases(cases.CONTRADICTION, words)
        else:
            self._settle(
                PROCESSED, self.env._("The exchange was decided already (%s)", label), tone="info"
            )

    def _bring(self, exchange, news):
        """News for an exchange that waits or is in doubt."""
        if self._is_believed(news, exchange):
            exchange._apply(STEP, news.outcome)
            self._settle(PROCESSED, self.env._("The provider reported: %s", exchange.reason))
        elif self._can_be_asked(exchange):
            exchange.next_step_at = self._database_time()
            self._settle(PROCESSED, self.env._("The provider is asked now"), tone="info")
        else:
            self._settle(
                PROCESSED,
                self.env._("The provider cannot be asked; kept for the person who decides"),
                tone="warning",
            )

    def _is_believed(self, news, exchange):
        """A verdict on our bytes under the reference of this exchange; in any other case the provider is asked."""
        if not isinstance(news.outcome, (Accepted, Rejected, Waiting)):
            return False
        if news.sha256 and news.sha256.lower() != exchange.payload_sha256:
            return False
        named = news.outcome.reference or self.reference
        if not named or named == exchange.reference:
            return True
        others = self._mine("reference", named)
        return not exchange.reference and not self.env["finance.exchange"].search_count(others)

    def _can_be_asked(self, exchange):
        operation = exchange.connection_id._adapter()._operation(exchange.operation)
        if exchange.state == states.WAITING:
            return operation.verdict == "poll"
        return operation.repeat != "nothing"

    # -- what becomes of the callback ---------------------------------------------------------------------------

    def _settle(self, state, reason, tone=None):
        """The end of this callback's way, as evidence on the timeline of the document it is about."""
        self.write(
            {
                "state": state,
                "reason": reason,
                "next_try_at": False,
                "processed_at": self._database_time(),
            }
        )
        exchange = self.exchange_id
        self.env["finance.audit.entry"]._record(
            action=f"callback.{state}",
            record=self,
            document=self._document(),
            company=self.company_id,
            outcome=tone or _TONE[state],
            summary=reason,
            correlation_id=exchange.correlation_id or None,
            details={**self._audit_details(), "exchange": str(exchange.id or "")},
        )

    def _document(self):
        """The business document this is about, if there is one (still)."""
        model, number = self.exchange_id.document_model, self.exchange_id.document_id
        return self.env[model].browse(number).exists() if model in self.env else None

    def _try_later(self, reason):
        pause = min(2**self.tries, _LONGEST_PAUSE)
        self.write(
            {
                "reason": reason,
                "tries": self.tries + 1,
                "next_try_at": self._database_time() + timedelta(seconds=pause),
            }
        )

    def _note_failure(self, kind):
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self._settle(FAILED, self.env._("It could not be processed (%s)", kind))
        else:
            self._try_later(self.env._("It could not be processed (%s); trying again", kind))

    def action_process_again(self):
        """Process callbacks again whose trouble was mended. For operators."""
        self.check_access("read")
        if not self.env.user.has_group("finance_connector_base.group_operator"):
            raise AccessError(self.env._("This needs the role “Operator” of Finance Connect."))
        if any(callback.state not in (FAILED, IGNORED) for callback in self):
            raise UserError(self.env._("Only what failed or was ignored is processed again."))
        self.sudo().write(
            {
                "state": RECEIVED,
                "reason": self.env._("%s asked to process it again", self.env.user.name),
                "tries": 0,
                "failures": 0,
                "next_try_at": self._database_time(),
                "processed_at": False,
            }
        )
        self.env["finance.exchange"]._wake_dispatcher()
        return True
