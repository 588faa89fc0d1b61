"""What a regime addon implements: format, rules and parameters of one country's e-invoicing."""

from odoo import models


class FinanceEinvoiceRegime(models.AbstractModel):
    """Ancestor of ``finance.einvoice.regime.<code>``; chosen by the company's regime."""

    _name = "finance.einvoice.regime"
    _description = "E-invoicing regime"

    #: Operation of the connection's adapter that submits a document.
    _operation = "submit_invoice"

    def _applies(self, move) -> bool:
        """Whether this document is to be submitted under the regime."""
        raise NotImplementedError

    def _problems(self, move) -> list:
        """Local checks, before anything is rendered: a list of ``core.problems.Problem``."""
        return []

    def _render(self, move) -> tuple[str, bytes]:
        """File name and exact bytes. Deterministic: the same document gives the same bytes."""
        raise NotImplementedError

    def _comparable(self, content: bytes) -> bytes:
        """Return what two renderings of one document are compared by (E12).

        Without what legitimately changes afterwards: payments, and master data such as names and addresses.
        """
        return content

    def _rule_sets(self, move) -> tuple[str, ...]:
        """Names of the official rule sets (``core.validation``) the rendered bytes must satisfy."""
        raise NotImplementedError

    def _violation_target(self, move, violation):
        """``(model, record id, field)`` a person opens to mend a violation."""
        return "account.move", move.id, violation.field

    def _submission_parameters(self, move) -> dict:
        """What the adapter must know beside the bytes; JSON values only."""
        return {}
