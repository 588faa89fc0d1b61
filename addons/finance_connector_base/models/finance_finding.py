"""Findings in the language of the reader: the sentence and the hint that belong to a code."""

from odoo import api, models

from ..core.finding import Finding


class FinanceFinding(models.AbstractModel):
    _name = "finance.finding"
    _description = "Texts of findings"

    @api.model
    def _messages(self):
        """Return code → (sentence, hint), both translated, with ``%(name)s`` for the arguments.

        Addons that define codes extend this. A code without an entry is shown by its ``text`` argument.
        """
        return {}

    @api.model
    def _render(self, finding):
        """Return (sentence, hint) of one finding in the language of the environment.

        :param finding: a ``core.finding.Finding`` or the JSON it was stored as
        """
        if not isinstance(finding, Finding):
            finding = Finding.from_json(finding)
        sentence, hint = self._messages().get(finding.code, (None, ""))
        args = {"code": finding.code, **finding.args}
        if sentence is None:
            return args.get("text") or finding.code, args.get("hint", "")
        return sentence % _Known(args), (hint or "") % _Known(args)


class _Known(dict):
    """Arguments of a sentence; one that an older version did not store is shown as an ellipsis."""

    def __missing__(self, key):
        return "…"
