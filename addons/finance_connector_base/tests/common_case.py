"""Cases of exchanges in any situation, opened as the dispatcher opens them."""

from dataclasses import replace
from unittest.mock import patch

from ..core import cases
from ..core.delivery import states
from .common import ConnectorCase


class CaseCase(ConnectorCase):
    def row(self, exchange, kind=cases.BUDGET, what="The provider does not answer", **values):
        return {
            "exchange_id": exchange.id,
            "connection_id": exchange.connection_id.id,
            "company_id": exchange.company_id.id,
            "kind": kind,
            "what_happened": what,
            "document_model": exchange.document_model,
            "document_id": exchange.document_id,
            "document_name": exchange.document_name,
            "correlation_id": exchange.correlation_id,
            **values,
        }

    def open_case(self, exchange, kind=cases.BUDGET, **values):
        cases_of = self.env["finance.case"]
        return cases_of.browse(cases_of._open_many([self.row(exchange, kind, **values)]))

    def stuck(self, state=states.FAILED, key="key-1", kind=cases.BUDGET, **values):
        """The open case of an exchange that came to a stop in a state."""
        exchange = self.enqueue(key=key)
        exchange._transition(states.SENDING, "sending", maybe_sent=False)
        exchange._transition(state, "stopped", next_step_at=False)
        exchange.write(values)
        return self.open_case(exchange, kind)

    def provider(self, **changes):
        """Let the provider's operation be of another kind, for this test."""
        adapter = type(self.connection._adapter())
        operation = self.connection._adapter()._operation(self.operation)
        self.enterContext(
            patch.object(adapter, "_operations", (replace(operation, **changes),), create=True)
        )

    def entries(self, record):
        """Audit entries of a record, newest first."""
        return self.env["finance.audit.entry"].search(
            [("record_model", "=", record._name), ("record_id", "=", record.id)]
        )
