"""Brings one invoice into each state an e-invoice can have, so that every state can be looked at."""

import time
from dataclasses import replace

from .demo_users import login
from .invoices import SALES

_WAIT_SECONDS = 90
_LOOK_SECONDS = 0.5
_SALE = next(sale for sale in SALES if sale.key == "fr-lost-answer")

#: state → reference on the invoice
_REFERENCES = {
    "unknown": "Order 4711",
    "failed": "Order 4712",
    "rejected": "Order 4713",
    "submitted": "Order 4714",
    "resubmitted": "Order 4715",
}


class StateSamples:
    """One invoice per state, on an installation with the sample invoices."""

    def __init__(self, stack, sample):
        self._run = sample
        person = login("admin")
        self._admin = stack.rpc(person["login"], person["password"])

    def invoices(self):
        """State of the e-invoice → id of an invoice in it."""
        return {
            "unknown": self._unknown(),
            "failed": self._failed(),
            "remediation": self._remediation(),
            "resubmitted": self._resubmitted(),
            "submitted": self._submitted(),
        }

    def _unknown(self):
        """Cut the submission off, and leave the status check that follows unanswered."""
        control = self._run.control
        control.fault("drop_before", provider="afnor", operation="createFlow", times=1)
        control.fault("status", provider="afnor", operation="searchFlow", status=503, times=500)
        move = self._until("unknown", self._post("unknown"))
        control.clear_faults()
        # It stays as it is while the pictures are taken.
        control.fault("status", provider="afnor", operation="searchFlow", status=503, times=500)
        return move

    def _failed(self):
        self._run.control.fault(
            "status", provider="afnor", operation="createFlow", status=400, times=1
        )
        return self._until("failed", self._post("failed"))

    def _remediation(self):
        self._run.control.verdict("reject", provider="afnor", times=1)
        move = self._until("rejected", self._post("rejected"))
        self._run.call("account.move", "button_draft", [move])
        return move

    def _resubmitted(self):
        """Correct a rejected invoice and submit it again: its e-invoice has two versions."""
        self._run.control.verdict("reject", provider="afnor", times=1)
        move = self._until("rejected", self._post("resubmitted"))
        self._run.call("account.move", "button_draft", [move])
        self._run.call("account.move", "action_post", [move])
        return self._until("filed", move)

    def _submitted(self):
        """Pause the connection first, so that the invoice stays in the outbox."""
        (connection,) = self._admin.search_read(
            "finance.connection", [("provider", "=", "afnor")], ["id"]
        )
        self._admin.call("finance.connection", "action_pause", [connection["id"]])
        return self._post("submitted")

    def _post(self, state):
        """Post an invoice like the others but for its reference and price: Odoo warns of duplicates."""
        number = 1 + list(_REFERENCES).index(state)
        (code, quantity, price), *_others = _SALE.lines
        lines = ((code, quantity, price + number),)
        return self._run.post(replace(_SALE, description=_REFERENCES[state], lines=lines))

    def _until(self, state, move):
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            (read,) = self._run.call("account.move", "read", [move], ["einvoice_state"])
            if read["einvoice_state"] == state:
                return move
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"the invoice did not become {state}")
