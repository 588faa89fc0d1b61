"""Texts of the reasons why a tax could not be determined. Engines add those of their own reasons."""

from odoo import api, models


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        _ = self.env._
        hints = self._tax_hints()
        verbatim = {f"{code}.text": ("%(text)s", hint) for code, hint in hints.items()}
        sentences = {
            "FT001.last_known": _("There is no earlier determination for this customer."),
            "FT001.last_known_parties": _(
                "The earlier determinations are for other parties or addresses."
            ),
            "FT001.last_known_kinds": _("There is no earlier rate for %(kinds)s."),
            "FT001.native": _("No tax is configured in Odoo for “%(line)s”."),
            "FT004.line": _(
                "“%(subject)s” before tax: the engine's amount is %(expected)s, the document's "
                "%(found)s (%(currencies)s)."
            ),
            "FT004.gross": _(
                "“%(subject)s” with tax: the engine's amount is %(expected)s, the document's "
                "%(found)s (%(currencies)s)."
            ),
            "FT004.jurisdiction": _(
                "%(subject)s: the engine's amount is %(expected)s, the document's %(found)s "
                "(%(currencies)s)."
            ),
            "FT004.net": _(
                "Total before tax: the engine's amount is %(expected)s, the document's %(found)s "
                "(%(currencies)s)."
            ),
            "FT004.tax": _(
                "Total tax: the engine's amount is %(expected)s, the document's %(found)s "
                "(%(currencies)s)."
            ),
            "FT005.document": _("The engine's answer is for another state of the document."),
            "FT005.currency": _("The engine's answer is in %(currency)s."),
            "FT005.lines": _(
                "The engine's answer covers %(answered)s of %(lines)s lines of the document."
            ),
            "FT005.precision": _(
                "The engine's tax of %(tax)s is not a whole amount of the currency."
            ),
            "FT005.category": _(
                "The engine's answer has a tax of %(tax)s in category %(category)s, which is not "
                "taxed."
            ),
            "FT006": _("The tax engine cannot be reached."),
            "FT007.account": _(
                "%(company)s has no account for %(tax)s: none of its sales taxes has one."
            ),
        }
        special = {
            "FT003.customer": (_("The document has no customer."), _("Choose a customer.")),
            "FT003.currency": (
                _("The currency %(currency)s is not active."),
                _("Activate the currency or choose another one."),
            ),
            "FT008.price_included": (
                _("The price includes the tax “%(tax)s”; an engine adds its tax to the prices."),
                _("Use prices without tax for this company."),
            ),
            "FT008.early_discount": (
                _(
                    "The payment term “%(term)s” reduces the tax in advance for early payment, "
                    "which is not possible with the amounts of a tax engine."
                ),
                _("Choose another tax reduction on this payment term."),
            ),
        }
        own = {code: (text, hints[code[:5]]) for code, text in sentences.items()}
        missing = {
            "evidence.tax": (
                _("The tax of this posted document was never determined."),
                _(
                    "Reset the document to draft and confirm it again, or dismiss the case with a reason."
                ),
            )
        }
        return {**super()._messages(), **verbatim, **own, **special, **missing}

    @api.model
    def _tax_hints(self):
        """Return public code → what to do about it."""
        _ = self.env._
        again = _("Determine the tax again; if the error persists, contact your administrator.")
        return {
            "FT000": "",
            "FT001": _("Add a tax rule for this jurisdiction, tax category and date."),
            "FT002": _("Make one of them more specific or end its validity."),
            "FT003": _("Complete the address."),
            "FT004": again,
            "FT005": again,
            "FT006": _("Try again in a few minutes."),
            "FT007": _("Set the tax account on at least one of the company's sales taxes."),
            "FT008": _(
                "Choose another engine for this company, or Odoo's own taxes for this kind of sale."
            ),
            "FT009": _("Correct the document according to the engine's message."),
        }

    @api.model
    def _render_tax(self, findings):
        """Return the text of findings: sentence, hint and public code of each."""
        parts = []
        for finding in findings or ():
            code = finding["code"].partition(".")[0]
            shown = "" if finding["code"] == "FT000.text" else f"[{code}]"
            parts.append(" ".join(filter(None, (*self._render(finding), shown))))
        return " ".join(parts)
