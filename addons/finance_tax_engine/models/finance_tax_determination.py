"""One answer to "what tax is due on this document", kept for ever (T3).

A determination is never changed or deleted; another state of the document makes another version.
Its fingerprint covers everything the engine saw, so the same state is never asked twice.
"""

import json
from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core import contract
from odoo.exceptions import UserError

from ..core import replay
from ..core.amounts import Share
from ..core.answers import check_answer
from ..core.errors import NoRule, TaxError


class FinanceTaxDetermination(models.Model):
    _name = "finance.tax.determination"
    _description = "Tax determination"
    _order = "id desc"
    _check_company_auto = True

    name = fields.Char("Number", compute="_compute_name")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    move_id = fields.Many2one(
        "account.move", "Document", readonly=True, index=True, ondelete="set null"
    )
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index=True)
    version = fields.Integer(required=True, readonly=True)
    engine = fields.Char(required=True, readonly=True)
    engine_version = fields.Char("Version of the engine", readonly=True)
    determined_at = fields.Datetime("Determined", required=True, readonly=True)
    tax_date = fields.Date(required=True, readonly=True)
    fingerprint = fields.Char(required=True, readonly=True, index=True)
    request_json = fields.Text("Question", required=True, readonly=True)
    answer_json = fields.Text("Answer", required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    total_tax = fields.Monetary(readonly=True)
    explanation = fields.Text(readonly=True)
    summary = fields.Char(readonly=True)
    applied = fields.Boolean("In use", compute="_compute_applied")
    details_html = fields.Html("Details", compute="_compute_details_html", sanitize=False)

    _version_uniq = models.UniqueIndex("(move_id, version) WHERE move_id IS NOT NULL")

    # -- immutable -----------------------------------------------------------------------------

    def write(self, vals):  # pylint: disable=method-required-super
        raise UserError(self.env._("A tax determination is evidence and cannot be changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A tax determination is evidence and cannot be deleted."))

    # -- asking --------------------------------------------------------------------------------

    @api.model
    def _for(self, move):
        """The determination of the present state of ``move``: the one in use, or a new one.

        Who saves an invoice may need it without the right to read evidence, hence as superuser.
        Raises a ``TaxError``. What an engine could not answer before is asked again.
        """
        document = move._finance_document()
        current = move.finance_tax_determination_id.sudo()
        if current.fingerprint == contract.fingerprint(document) and not current._is_stopgap():
            return current
        engine = self.env["finance.tax.engine"]._of(move.company_id)
        answer = self._reversed(move, document) or engine._determine(document)
        return self._keep(move, document, answer)

    def _reversed(self, move, document):
        """The answer of the original if ``move`` reverses all of it (T6)."""
        original = move.reversed_entry_id.finance_tax_determination_id
        if document.kind != "credit_note" or not original:
            return None
        return replay.reversal(
            document,
            original._document(),
            original._answer(),
            self._precision(move),
            datetime.now(timezone.utc),
        )

    @api.model
    def _last_known(self, move):
        """A stop-gap from the newest determination for the same parties and kinds of lines (T4)."""
        document = move._finance_document()
        earlier = self.sudo().search(
            [
                ("company_id", "=", move.company_id.id),
                ("partner_id", "=", move.commercial_partner_id.id),
                ("engine", "not in", (replay.LAST_KNOWN, replay.REVERSAL)),
            ],
            limit=20,
        )
        error = NoRule("There is no last known answer for this customer.")
        for candidate in earlier:
            try:
                answer = replay.last_known(
                    document,
                    candidate._document(),
                    candidate._answer(),
                    self._precision(move),
                    datetime.now(timezone.utc),
                )
            except TaxError as reason:
                error = reason
            else:
                return self._keep(move, document, answer)
        raise error

    def _keep(self, move, document, answer):
        """Check and store an answer as the next version."""
        precision = self._precision(move)
        check_answer(document, answer, precision.document, precision.company)
        last = self.sudo().search([("move_id", "=", move.id)], order="version desc", limit=1)
        values = {
            "company_id": move.company_id.id,
            "move_id": move.id,
            "partner_id": move.commercial_partner_id.id,
            "version": last.version + 1,
            "engine": answer.engine,
            "engine_version": answer.engine_version,
            "determined_at": fields.Datetime.now(),
            "tax_date": document.tax_date,
            "fingerprint": answer.fingerprint,
            "request_json": contract.canonical_json(document).decode(),
            "answer_json": contract.canonical_json(answer).decode(),
            "currency_id": move.currency_id.id,
            "total_tax": float(answer.total_tax()),
            "explanation": "\n".join(answer.explanation),
            "summary": _summary(answer),
        }
        return self.sudo().create(values)

    def _precision(self, move):
        return self.env["finance.tax.engine"]._precision(move.company_id, move.currency_id)

    # -- reading -------------------------------------------------------------------------------

    def _document(self):
        """The question, as asked."""
        return contract.Document.model_validate_json(self.sudo().request_json)

    def _answer(self):
        """The answer, as given."""
        return contract.TaxAnswer.model_validate_json(self.sudo().answer_json)

    def _is_stopgap(self):
        """Whether this answer only bridges an engine that could not answer."""
        return self.engine == replay.LAST_KNOWN

    @api.depends("version", "move_id")
    def _compute_name(self):
        for record in self:
            document = record.move_id.name or json.loads(record.request_json or "{}").get("number")
            record.name = f"{document or self.env._('Draft')} v{record.version}"

    @api.depends("name")
    def _compute_display_name(self):
        for record in self:
            record.display_name = record.name

    @api.depends("move_id.finance_tax_determination_id")
    def _compute_applied(self):
        for record in self:
            record.applied = record.move_id.finance_tax_determination_id == record

    @api.depends("answer_json")
    def _compute_details_html(self):
        for record in self:
            record.details_html = record.answer_json and self._details(
                record._answer(), record.currency_id
            )

    @api.model
    def _details(self, answer, currency):
        """An answer as a table for people."""
        return self.env["ir.qweb"]._render(
            "finance_tax_engine.determination_details",
            {"groups": _groups(answer), "currency": currency},
        )


def _groups(answer):
    """Details added up by what makes them differ, in the order of the document, for people."""
    groups = {}
    for detail in answer.details:
        share = _label(detail)
        key = (share, detail.rule, detail.reason_code, detail.legal_reference)
        group = groups.setdefault(
            key, {"label": share, "detail": detail, "lines": 0, "taxable": 0, "tax": 0}
        )
        group["lines"] += 1
        group["taxable"] += detail.taxable
        group["tax"] += detail.tax
    return list(groups.values())


def _summary(answer):
    """``FR VAT 20 % on 1200.00: 240.00``, at most three of them."""
    parts = [
        f"{group['label']} on {group['taxable']:f}: {group['tax']:f}" for group in _groups(answer)
    ]
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""  # noqa: PLR2004 (as said)
    return "; ".join(parts[:3]) + more


def _label(detail):
    names = ("jurisdiction", "tax_type", "category", "rate", "reason")
    return Share(**{name: getattr(detail, name) for name in names}).label()
