"""One answer to "what tax is due on this document", kept unchanged (T3).

A determination is never changed or deleted; another state of the document makes another version.
Its fingerprint covers everything the engine saw, so the same state is never determined twice.
"""

import json
from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core import contract

from ..core import replay
from ..core.answers import check_answer
from ..core.errors import NoRule, TaxError


class FinanceTaxDetermination(models.Model):
    _name = "finance.tax.determination"
    _inherit = "finance.evidence.mixin"
    _description = "Tax determination"
    _order = "id desc"
    _check_company_auto = True
    _evidence_open = frozenset()

    name = fields.Char("Number", compute="_compute_name")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    move_id = fields.Many2one(
        "account.move", "Document", readonly=True, index=True, ondelete="set null"
    )
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index=True)
    version = fields.Integer(required=True, readonly=True)
    engine = fields.Char("Code of the engine", required=True, readonly=True)
    engine_name = fields.Char("Engine", compute="_compute_engine_name")
    engine_version = fields.Char("Version of the engine", readonly=True)
    determined_at = fields.Datetime("Determined at", required=True, readonly=True)
    tax_date = fields.Date(required=True, readonly=True)
    fingerprint = fields.Char(required=True, readonly=True, index=True)
    request_json = fields.Text("Request", required=True, readonly=True)
    answer_json = fields.Text("Answer", required=True, readonly=True)
    request_text = fields.Text("Request, indented", compute="_compute_indented")
    answer_text = fields.Text("Answer, indented", compute="_compute_indented")
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    total_tax = fields.Monetary(readonly=True)
    # Rendered from the answer in the language of the reader. Columns of the same names, in which
    # earlier releases stored English texts, stay in older databases and are not read.
    explanation = fields.Text(compute="_compute_explanation")
    summary = fields.Char(compute="_compute_summary")
    applied = fields.Boolean("In use", compute="_compute_applied")
    details_html = fields.Html("Details", compute="_compute_details_html", sanitize=False)

    _version_uniq = models.UniqueIndex("(move_id, version) WHERE move_id IS NOT NULL")

    # -- determining --------------------------------------------------------------------------------

    @api.model
    def _for(self, move):
        """Return the determination of the present state of ``move``: the one in use, or a new one.

        Users who save invoices need it without the right to read evidence, hence as superuser.
        What an engine could not answer before is determined again.

        :raises TaxError: the engine has no usable answer
        """
        document = move._finance_document()
        if self._is_current(move, document):
            return move.finance_tax_determination_id.sudo()
        return self._keep([(move, document, self._ask(move, document))])

    @api.model
    def _ask(self, move, document):
        """Return the answer for ``document``: the original's if it is reversed, else the engine's.

        :raises TaxError: there is no usable answer
        """
        engine = self.env["finance.tax.engine"]._of(move.company_id)
        answer = self._reversed(move, document) or engine._determine(document)
        precision = self._precision(move)
        check_answer(document, answer, precision.document, precision.company)
        return answer

    @api.model
    def _is_current(self, move, document):
        """Return whether the determination in use is an engine's for this state of the document."""
        current = move.finance_tax_determination_id.sudo()
        if not current or current._is_fallback():
            return False
        return current.fingerprint == contract.fingerprint(document)

    def _reversed(self, move, document):
        """Return the answer of the original if ``move`` reverses all of it (T6)."""
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
        """Return document and answer by the newest determination for the same situation (T4)."""
        document = move._finance_document()
        earlier = self.sudo().search(
            [
                ("company_id", "=", move.company_id.id),
                ("partner_id", "=", move.commercial_partner_id.id),
                ("engine", "not in", (replay.LAST_KNOWN, replay.REVERSAL)),
            ],
            limit=20,
        )
        error = NoRule("last_known")
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
                return document, answer
        raise error

    @api.model
    def _keep(self, questions):
        """Store answers, each as the next version of its document.

        :param questions: triples of ``account.move``, document and checked answer
        :return: the determinations in the same order
        """
        if not questions:
            return self.browse()
        ids = [move.id for move, _document, _answer in questions]
        groups = self.sudo()._read_group([("move_id", "in", ids)], ["move_id"], ["version:max"])
        versions = {move.id: version for move, version in groups}
        kept = self.sudo().create(
            [
                self._record_values(move, document, answer, versions.get(move.id, 0) + 1)
                for move, document, answer in questions
            ]
        )
        work = self.env["finance.tax.service"]._work()
        for determination, (_move, document, answer) in zip(kept, questions, strict=True):
            work.keep(determination, document, answer)
        return kept

    def _record_values(self, move, document, answer, version):
        """Return the values of a determination."""
        return {
            "company_id": move.company_id.id,
            "move_id": move.id,
            "partner_id": move.commercial_partner_id.id,
            "version": version,
            "engine": answer.engine,
            "engine_version": answer.engine_version,
            "determined_at": fields.Datetime.now(),
            "tax_date": document.tax_date,
            "fingerprint": answer.fingerprint,
            "request_json": contract.canonical_json(document).decode(),
            "answer_json": contract.canonical_json(answer).decode(),
            "currency_id": move.currency_id.id,
            "total_tax": float(answer.total_tax()),
        }

    def _precision(self, move):
        return self.env["finance.tax.engine"]._precision(move.company_id, move.currency_id)

    # -- reading -------------------------------------------------------------------------------

    def _document(self):
        """Return the document the engine was asked about."""
        return self._parsed()[0]

    def _answer(self):
        """Return the engine's answer."""
        return self._parsed()[1]

    def _parsed(self):
        """Return question and answer, read once in a transaction."""
        work = self.env["finance.tax.service"]._work()
        if self.id not in work.parsed:
            record = self.sudo()
            document = contract.Document.model_validate_json(record.request_json)
            answer = contract.TaxAnswer.model_validate_json(record.answer_json)
            work.keep(self, document, answer)
        return work.parsed[self.id]

    def _is_fallback(self):
        """Return whether this answer stands in for an engine that had none."""
        return self.engine == replay.LAST_KNOWN

    @api.depends("engine")
    @api.depends_context("lang")
    def _compute_engine_name(self):
        texts = self.env["finance.finding"]
        for record in self:
            record.engine_name = texts._tax_engine_name(record.engine)

    @api.depends("answer_json")
    @api.depends_context("lang")
    def _compute_explanation(self):
        texts = self.env["finance.finding"]
        for record in self:
            answer = record.answer_json and record._answer()
            record.explanation = answer and texts._tax_explanation(answer)

    # Apart from the explanation, which takes longer: every document that is saved is recorded with a summary.
    @api.depends("answer_json")
    @api.depends_context("lang")
    def _compute_summary(self):
        texts = self.env["finance.finding"]
        for record in self:
            answer = record.answer_json and record._answer()
            record.summary = answer and texts._tax_summary(self._groups(answer), record.currency_id)

    @api.depends("version", "move_id")
    def _compute_name(self):
        for record in self:
            document = record.move_id.name or json.loads(record.request_json or "{}").get("number")
            document = document or self.env._("Draft")
            record.name = f"{document} v{record.version}"

    @api.depends("request_json", "answer_json")
    def _compute_indented(self):
        """Return the kept texts with a line for each value; the kept ones stay as they are."""
        for record in self:
            for name in ("request", "answer"):
                kept = json.loads(record[f"{name}_json"] or "{}")
                record[f"{name}_text"] = json.dumps(kept, ensure_ascii=False, indent=2)

    @api.depends("name")
    def _compute_display_name(self):
        for record in self:
            record.display_name = record.name

    @api.depends("move_id.finance_tax_determination_id")
    def _compute_applied(self):
        for record in self:
            record.applied = record.move_id.finance_tax_determination_id == record

    @api.depends("answer_json")
    @api.depends_context("lang")
    def _compute_details_html(self):
        for record in self:
            record.details_html = record.answer_json and self._details(
                record._answer(), record.currency_id
            )

    @api.model
    def _details(self, answer, currency):
        """Return an answer as a table."""
        return self.env["ir.qweb"]._render(
            "finance_tax_engine.determination_details",
            {"groups": self._groups(answer), "currency": currency},
        )

    @api.model
    def _groups(self, answer):
        """Return details added up by what makes them differ, in the order of the document."""
        texts, groups = self.env["finance.finding"], {}
        for detail in answer.details:
            names = ("tax_type", "category", "rate", "rule", "reason")
            key = (detail.jurisdiction.code, *(getattr(detail, name) for name in names))
            key += (detail.reason_code, detail.legal_reference)
            if key not in groups:
                shown = texts._tax_detail(detail)
                groups[key] = {**shown, "detail": detail, "lines": 0, "taxable": 0, "tax": 0}
            group = groups[key]
            group["lines"] += 1
            group["taxable"] += detail.taxable
            group["tax"] += detail.tax
        return list(groups.values())
