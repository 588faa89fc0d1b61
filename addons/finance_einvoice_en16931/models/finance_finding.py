"""Broken rules in the reader's language, from the catalogue of the version that found them."""

from odoo import api, models

from ..core.rule_sets import line_number


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _rule_set_labels(self):
        _ = self.env._
        return {
            **super()._rule_set_labels(),
            "ubl-2.1-xsd": _("UBL 2.1 schema"),
            "en16931-ubl": _("European standard EN 16931"),
        }

    @api.model
    def _source_texts(self, source, finding):
        rule_set = self.env["finance.einvoice.rules.ubl"]._known().get(source)
        if rule_set is None:
            return super()._source_texts(source, finding)
        language = (self.env.lang or "en").partition("_")[0]
        entry = rule_set.explain(finding.code, language, finding.args.get("version"))
        sentence = entry.message if entry else finding.args.get("text", finding.code)
        if number := line_number(finding.item):
            sentence = self.env._("Line %(line)s: %(finding)s", line=number, finding=sentence)
        return sentence, entry.hint if entry else ""
