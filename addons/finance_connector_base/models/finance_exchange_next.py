"""What an exchange waits for, in one sentence: a time, a person, the provider, or the exchange before it."""

from odoo import api, fields, models
from odoo.tools import format_time

from ..core.delivery import states
from ..core.delivery.breaker import CLOSED, OPEN
from ..core.delivery.health import short

_CHAIN_KEEPS_BACK = (states.PENDING, states.SENDING, states.UNKNOWN, states.HELD, states.FAILED)
_MOVED_BY_DISPATCHER = (states.PENDING, states.UNKNOWN, states.WAITING)
#: Sooner than this is said as a length of time, later as a time of day.
_SOON_SECONDS = 120


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    next_words = fields.Char("What happens next", compute="_compute_next_words")
    told_words = fields.Char("Its document", compute="_compute_told_words")

    @api.depends("state", "next_step_at", "claim_token", "case_ids.state")
    def _compute_next_words(self):
        for exchange in self:
            # Connection and chain may be read with less than the reader's rights on them.
            exchange.next_words = exchange.sudo()._next_words()

    def _next_words(self):
        """The first thing that stands in the way, else when the next step is due."""
        if self.claim_token:
            return self._words_on_the_way()
        if self.state not in _MOVED_BY_DISPATCHER:
            return self._words_at_rest()
        if not self.next_step_at:
            return self.env._("Waits for a person: see the open case")
        return self._words_of_obstacle() or self._words_of_due()

    def _words_at_rest(self):
        _ = self.env._
        return {
            states.HELD: _("Held back until an operator releases it"),
            states.REJECTED: _("Waits for a person: a corrected document replaces it"),
            states.FAILED: _("Waits for a person: try again or cancel"),
        }.get(self.state, False)

    def _words_on_the_way(self):
        worker = self.env["finance.dispatcher.worker"].browse(self.worker_id or 0).exists()
        if worker.is_alive:
            return self.env._("On its way (dispatcher %s)", worker.name)
        return self.env._("Its dispatcher is gone: the provider is asked within seconds")

    def _words_of_obstacle(self):
        _ = self.env._
        connection, now = self.connection_id, fields.Datetime.now()
        gate = connection.gate_ids[:1]
        before = self._kept_back_by()
        if connection.state != "active":
            return _("Held back: the connection is not active")
        if connection.last_block:
            return _("Held back: %s", connection.last_block)
        if before:
            about = {"name": before.display_name, "chain": self.chain}
            return _("Waits for %(name)s, which comes before it in chain %(chain)s", **about)
        if gate.breaker_state == OPEN:
            return _("Held back by the breaker until %s", self._time_of(gate.breaker_until))
        if gate.breaker_state and gate.breaker_state != CLOSED:
            return _("Waits for one call that tries whether the provider is back")
        if gate.not_before and gate.not_before > now:
            return _("The provider asked for a pause until %s", self._time_of(gate.not_before))
        return ""

    def _kept_back_by(self):
        """The exchange of the same chain that must be settled first."""
        if not self.chain or self.state == states.WAITING:
            return self.browse()
        return self.search(
            [
                ("connection_id", "=", self.connection_id.id),
                ("chain", "=", self.chain),
                ("state", "in", _CHAIN_KEEPS_BACK),
                ("id", "<", self.id),
            ],
            order="id",
            limit=1,
        )

    def _words_of_due(self):
        _ = self.env._
        left = (self.next_step_at - fields.Datetime.now()).total_seconds()
        if left <= 0:
            return _("Due now: the next free dispatcher takes it")
        when = (
            _("in %s", short(left))
            if left < _SOON_SECONDS
            else _("at %s", self._time_of(self.next_step_at))
        )
        if self.state == states.WAITING:
            return _("Asked for the verdict %s", when)
        if self.state == states.UNKNOWN and not self._is_asked_by_sending():
            return _("The provider is asked what it has %s", when)
        return _("Sent again %s", when) if self.send_count else _("Sent %s", when)

    def _is_asked_by_sending(self):
        """The provider knows our key, so that sending the same bytes again is the question."""
        offered = self.connection_id._adapter()._operations
        return any(item.name == self.operation and item.repeat == "key" for item in offered)

    def _time_of(self, moment):
        local = fields.Datetime.context_timestamp(self, moment)
        today = fields.Datetime.context_timestamp(self, fields.Datetime.now()).date()
        clock = format_time(self.env, local.time(), time_format="HH:mm:ss")
        return clock if local.date() == today else f"{fields.Date.to_string(local.date())} {clock}"

    @api.depends("owner_pending", "owner_next_at", "owner_id")
    def _compute_told_words(self):
        _ = self.env._
        for exchange in self:
            exchange.told_words = _("Knows what became of it")
            if exchange.owner_pending and exchange.owner_next_at:
                exchange.told_words = _(
                    "Could not be told; again at %s", exchange._time_of(exchange.owner_next_at)
                )
            elif exchange.owner_pending:
                exchange.told_words = _("Is told with the next round of the dispatcher")
