"""Posting steps of e-invoicing: local checks before Odoo posts, rendering and the outbox after it."""

from odoo import api, models
from odoo.addons.finance_connector_base.core.finding import WARNING, Finding
from odoo.addons.finance_connector_base.models.finance_posting import Step, suite_write


class FinancePosting(models.AbstractModel):
    _inherit = "finance.posting"

    @api.model
    def _steps(self):
        return [
            *super()._steps(),
            Step("check", "einvoice.route", self._check_routes),
            Step("check_document", "einvoice.check", self._check_einvoices),
            Step("enqueue", "einvoice.submit", self._submit_einvoices),
            Step("record", "einvoice.not_submitted", self._record_routes),
        ]

    @api.model
    def _check_routes(self, batch):
        """Refuse a document without one clear route, or that an EDI format of its journal would send as well (E13)."""
        for move in batch.moves:
            choice = self.env["finance.route"]._einvoice_choice(move)
            if choice and choice[2].blocks and not move._finance_left_by_other_route():
                batch.refuse(move, choice[2])
        if "edi_format_ids" not in self.env["account.journal"]._fields:
            return
        for move, _regime in self.env["finance.einvoice"]._for_moves(batch.moves):
            for edi_format in move.journal_id.edi_format_ids:
                if edi_format._needs_web_services() and edi_format._get_move_applicability(move):
                    finding = Finding("route.other", args={"sender": edi_format.name})
                    batch.refuse(move, finding, move.journal_id._get_records_action())

    @api.model
    def _check_einvoices(self, batch):
        """Check what the format needs, before a number is used."""
        einvoice = self.env["finance.einvoice"]
        for move, regime in self._to_submit(batch.moves):
            with batch.judging(move):
                einvoice._check_before_posting([(move, regime)])

    @api.model
    def _submit_einvoices(self, batch):
        """Render, validate and enqueue, in the transaction that posts (X2).

        Each document is rendered and judged by itself. Where one is refused the transaction is undone, so that
        nothing is stored for the others either.
        """
        einvoice, renderings = self.env["finance.einvoice"], []
        for move, regime in self._to_submit(batch.posted):
            with batch.judging(move):
                renderings.append(einvoice._render_for_posting(move, regime))
        if batch.refusals:
            return
        einvoice._submit(renderings)
        for move, _regime in einvoice._for_moves(batch.posted):
            if route := move._finance_left_by_other_route():
                self._note_other_route(move, route)

    @api.model
    def _record_routes(self, batch):
        """Keep with the documents that are not submitted why not; later changes of routes do not alter it."""
        routes = self.env["finance.route"]
        for move in batch.posted:
            choice = routes._einvoice_choice(move)
            reason = choice[2].to_json() if choice and choice[1] is None else False
            if (move.sudo().einvoice_route_data or False) != reason:
                suite_write(move, {"einvoice_route_data": reason})

    @api.model
    def _to_submit(self, moves):
        """Return the pairs of document and regime whose route is ours."""
        return [
            (move, regime)
            for move, regime in self.env["finance.einvoice"]._for_moves(moves)
            if not move._finance_left_by_other_route()
        ]

    @api.model
    def _note_other_route(self, move, route):
        """Say on the document why it is not submitted."""
        platform = self.env["finance.einvoice"]._route_of(move).connection_id.name
        status = Finding(
            "einvoice.other_route" if platform else "einvoice.other_route_unnamed",
            WARNING,
            args={"platform": platform or "", "route": route},
        )
        move.message_post(body=self.env["finance.finding"]._render(status)[0])
        self.env["finance.audit.entry"]._record(
            action="einvoice.other_route",
            document=move,
            company=move.company_id,
            outcome="warning",
            statement=status,
            details={"route": route},
        )
