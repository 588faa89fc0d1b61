"""What an addon implements for one country's e-invoicing, and for one format of documents."""

from odoo import models

from ..core import lifecycle


class FinanceEinvoiceFormat(models.AbstractModel):
    """Ancestor of the formats: how a document is written, and which rules it must satisfy."""

    _name = "finance.einvoice.format"
    _inherit = "finance.einvoice.registered"
    _description = "E-invoice format"

    def _render(self, move) -> tuple[str, bytes]:
        """Return file name and exact bytes. The same document gives the same bytes."""
        raise NotImplementedError

    def _rule_sets(self, move) -> tuple[str, ...]:
        """Return the names of the rule sets (``finance.einvoice.rules``) that the bytes must satisfy."""
        raise NotImplementedError


class FinanceEinvoiceRegime(models.AbstractModel):
    """Ancestor of the regimes; chosen by the company's regime."""

    _name = "finance.einvoice.regime"
    _inherit = "finance.einvoice.registered"
    _description = "E-invoicing regime"

    #: Operation of the connection's adapter that submits a document.
    _operation = "submit_invoice"
    #: What a submission is called that the provider has accepted: FILED at a platform, ACCEPTED by an authority.
    _on_acceptance = lifecycle.ACCEPTED

    def _is_business(self, partner) -> bool:
        """Return whether the regime treats this party as a business."""
        return bool(partner) and partner._finance_is_business()

    def _applies(self, move) -> bool:
        """Return whether this document is submitted under the regime."""
        raise NotImplementedError

    def _check(self, move) -> list:
        """Return the findings of local checks, before anything is rendered (``core.finding.Finding``)."""
        return []

    def _format(self, move) -> str:
        """Return the code of the format in which this document is submitted."""
        raise NotImplementedError

    def _formats(self) -> tuple[str, ...]:
        """Return the codes of the formats that a route of this regime may choose."""
        return ()

    def _format_model(self, move, code=""):
        """Return the model of the format: that of the route, else the regime's own choice."""
        return self.env["finance.einvoice.format"]._by_code(code or self._format(move))

    def _render(self, move, code="") -> tuple[str, bytes]:
        """Return file name and exact bytes of the document in its format.

        :param code: the format that the route names; empty: the regime's own choice
        """
        return self._format_model(move, code)._render(move)

    def _comparable(self, content: bytes) -> bytes:
        """Return what two renderings of one document are compared by (E12).

        Without what legitimately changes afterwards: payments, and master data such as names and addresses.
        """
        return content

    def _rule_sets(self, move, code="") -> tuple[str, ...]:
        """Return the names of the rule sets the rendered bytes must satisfy."""
        return self._format_model(move, code)._rule_sets(move)

    def _locate(self, move, finding):
        """Return the finding with the record and field to correct; by default the document itself."""
        return finding

    def _submission_parameters(self, move) -> dict:
        """Return what the adapter needs beside the bytes; JSON values only."""
        return {}
