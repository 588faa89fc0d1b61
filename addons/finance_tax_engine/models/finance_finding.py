"""Texts of taxes in the reader's language: what is due and why, or why it could not be determined.

Engines add those of their own reasons. What is stored are codes: of places, kinds of supply, tax
categories and rules; they become names here.
"""

import json
from decimal import Decimal, InvalidOperation

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core.contract import Statement
from odoo.addons.finance_connector_base.core.finding import INFO, Finding
from odoo.tools import format_date, format_list
from odoo.tools.misc import formatLang

from ..core.replay import LAST_KNOWN, REVERSAL

#: Codes whose arguments are codes of taxes.
_OF_TAXES = ("FT", "tax.", "place.")
_DATES = ("date", "since")
_SHOWN = 3
#: Exemption reason code that a category has if nothing more specific applies.
_USUAL_REASON = {
    "AE": "VATEX-EU-AE",
    "K": "VATEX-EU-IC",
    "G": "VATEX-EU-G",
    "O": "VATEX-EU-O",
    "E": "",
    "Z": "",
}
_PLACES = ("place", "origin", "destination", "jurisdiction")


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
        return {
            **super()._messages(),
            **verbatim,
            **own,
            **special,
            **missing,
            **self._tax_statements(),
        }

    @api.model
    def _tax_statements(self):
        """Return the sentences of explanations, of the timeline and of activities."""
        _ = self.env._
        sentences = {
            "tax.decided": _("%(supply)s, %(category)s: %(tax)s. %(basis)s"),
            "tax.reversal": _(
                "This document reverses all of %(document)s: its amounts and its tax date "
                "%(date)s apply."
            ),
            "tax.last_known": _(
                "The tax engine gave no answer; the rates determined on %(date)s apply for now."
            ),
            "tax.determined": _("Tax determined: %(amount)s (%(summary)s). Source: %(engine)s."),
            "tax.fallback": _(
                "A fallback tax is in use: the tax engine (%(engine)s) gave no answer. %(findings)s"
            ),
            "tax.failed": _("The tax could not be determined. %(findings)s"),
            "tax.difference": _(
                "The tax engine has answered: %(summary)s. The posted tax differs by %(difference)s. "
                "Correct it with a credit note and a new invoice."
            ),
        }
        return {code: (text, "") for code, text in sentences.items()}

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
        """Return the text of findings: sentence and hint of each. Their codes are stored, not shown."""
        return " ".join(
            filter(None, (text for item in findings or () for text in self._render(item)))
        )

    @api.model
    def _render(self, finding):
        """Render the arguments of texts about taxes first: they are codes, dates and numbers."""
        if not isinstance(finding, Finding):
            finding = Finding.from_json(finding)
        if finding.code.startswith(_OF_TAXES):
            args = {**finding.args, **self._tax_arguments(finding.args)}
            finding = Finding(finding.code, finding.severity, args, item=finding.item)
        return super()._render(finding)

    @api.model
    def _tax_arguments(self, args):
        """Return arguments as the reader sees them; those that are not codes are left out.

        Earlier releases stored names instead of codes: they are shown as they are.
        """
        shown = {name: self._tax_place(args[name]) for name in _PLACES if name in args}
        shown |= {name: self._tax_date(args[name]) for name in _DATES if name in args}
        shown |= {
            name: self._tax_number(args[name]) for name in ("expected", "found") if name in args
        }
        makers = {
            "supply": self._tax_supply,
            "category": self._tax_category,
            "rule": self._tax_rule,
            "legal_reference": self._tax_legal_reference,
            "source": self._tax_source,
            "rules": self._tax_rules,
            "kinds": self._tax_kinds,
            "engine": self._tax_engine_name,
            "findings": lambda value: self._render_tax(json.loads(value)),
        }
        shown |= {name: make(args[name]) for name, make in makers.items() if name in args}
        if "un_category" in args:
            shown |= {"tax": self._tax_of(args), "basis": self._tax_basis({**args, **shown})}
        if args.get("determination", "").isdecimal():
            shown |= self._tax_of_determination(args)
        return shown

    # -- codes as names ------------------------------------------------------------------------

    @api.model
    def _tax_supplies(self):
        """Return code → name of the kinds of supply."""
        _ = self.env._
        return {
            "goods": _("Goods"),
            "services": _("Services"),
            "digital": _("Digital services"),
        }

    @api.model
    def _tax_supply(self, code):
        return self._tax_supplies().get(code, code)

    @api.model
    def _tax_place(self, code):
        """Return the name of a jurisdiction or country. Engines extend it."""
        country = len(code) == 2 and self.env["res.country"].search([("code", "=", code)], limit=1)  # noqa: PLR2004 (ISO 3166-1)
        return country.name if country else code

    @api.model
    def _tax_category(self, code):
        """Return the name of a tax category. Engines extend it."""
        return code

    @api.model
    def _tax_rule(self, name):
        """Return the name of a rule, by the name or code that was stored. Engines extend it."""
        return name

    @api.model
    def _tax_reason(self, rule, reason):
        """Return why ``rule`` charges no tax, by the reason that was stored. Engines extend it."""
        return reason

    @api.model
    def _tax_legal_reference(self, reference):
        """Return a legal reference, by the one that was stored. Engines extend it."""
        return reference

    @api.model
    def _tax_source(self, source):
        """Return the source of a rule, by the one that was stored. Engines extend it."""
        return source

    @api.model
    def _tax_rules(self, names):
        return format_list(self.env, [f"“{self._tax_rule(name)}”" for name in names.split("\n")])

    @api.model
    def _tax_kinds(self, kinds):
        pairs = [kind.partition("/") for kind in kinds.split("\n")]
        return format_list(
            self.env,
            [
                f"{self._tax_supply(supply)} ({self._tax_category(category)})" if slash else supply
                for supply, slash, category in pairs
            ],
        )

    @api.model
    def _tax_engine_name(self, code):
        """Return the name of what gave an answer."""
        field = self.env["res.company"]._fields["finance_tax_engine"]
        names = dict(field._description_selection(self.env))
        names[REVERSAL] = self.env._("Reversed document")
        names[LAST_KNOWN] = self.env._("Last known rates")
        return names.get(code, code)

    @api.model
    def _tax_date(self, value):
        try:
            return format_date(self.env, fields.Date.to_date(value))
        except ValueError:
            return value

    @api.model
    def _tax_number(self, value):
        """Return a number as the reader writes it, with its own number of decimals."""
        try:
            number = Decimal(value)
        except InvalidOperation:
            return value
        return formatLang(self.env, float(number), digits=max(0, -number.as_tuple().exponent))

    # -- sentences from facts ------------------------------------------------------------------

    @api.model
    def _tax_label(self, code, tax_type, rate):
        """Return ``FR VAT 20%``."""
        _ = self.env._
        facts = {"place": code, "rate": self._tax_number(rate)}
        if tax_type == "sales":
            return _("%(place)s sales tax %(rate)s%%", **facts)
        return _("%(place)s VAT %(rate)s%%", **facts)

    @api.model
    def _tax_label_of(self, detail):
        """Return the label of the tax of a detail of an answer."""
        return self._tax_label(detail.jurisdiction.code, detail.tax_type, _plain(detail.rate))

    @api.model
    def _tax_name(self, detail):
        """Return the name of the Odoo tax of a detail, different for each ``tax_key``."""
        label, category = self._tax_label_of(detail), detail.category
        if category == "S":
            return label
        treatment = self._tax_treatments()[category]
        if detail.tax_type == "vat" and detail.reason_code != _USUAL_REASON.get(category):
            treatment = ", ".join(filter(None, (treatment, detail.reason_code or "–")))
        return f"{label} ({treatment})"

    @api.model
    def _tax_of(self, args):
        """Return the tax of a detail, with the reason where none is charged."""
        label = self._tax_label(args["place"], args["tax_type"], args["rate"])
        if args["un_category"] == "S":
            return label
        reason = self._tax_reason(args.get("rule", ""), args.get("reason", ""))
        return f"{label} ({reason or self._tax_treatments()[args['un_category']]})"

    @api.model
    def _tax_treatments(self):
        """Return UNTDID 5305 category → what it means, where no reason is stored."""
        _ = self.env._
        return {
            "Z": _("zero rate"),
            "E": _("exempt"),
            "AE": _("reverse charge"),
            "K": _("intra-Community supply"),
            "G": _("export"),
            "O": _("outside the scope of tax"),
        }

    @api.model
    def _tax_basis(self, args):
        """Return rule, legal reference, start of validity and source of a decision as a sentence."""
        _ = self.env._
        since = args.get("since") and _("valid from %(date)s", date=args["since"])
        parts = (args.get("rule"), args.get("legal_reference"), since, args.get("source"))
        return _("Rule: %(basis)s.", basis=", ".join(filter(None, parts)))

    @api.model
    def _tax_of_determination(self, args):
        """Return the amounts and the summary of a determination; they never change."""
        determination = self.env["finance.tax.determination"].sudo()
        determination = determination.browse(int(args["determination"])).exists()
        if not determination:
            return {}
        currency = determination.currency_id
        shown = {
            "summary": determination.summary,
            "amount": currency.format(determination.total_tax),
        }
        if "difference" in args:
            shown["difference"] = currency.format(float(args["difference"]))
        return shown

    @api.model
    def _tax_detail(self, detail):
        """Return label, rule and reason of a detail of an answer as the reader sees them."""
        args = {
            "place": detail.jurisdiction.code,
            "tax_type": detail.tax_type,
            "un_category": detail.category,
            "rate": _plain(detail.rate),
            "rule": detail.rule,
            "reason": detail.reason,
        }
        return {
            "label": self._tax_of(args),
            "rule": self._tax_rule(detail.rule),
            "reason": self._tax_reason(detail.rule, detail.reason),
            "legal_reference": self._tax_legal_reference(detail.legal_reference),
        }

    @api.model
    def _tax_explanation(self, answer):
        """Return the explanation of an answer, a sentence a line."""
        return "\n".join(
            self._render(Finding(item.code, INFO, item.args))[0]
            if isinstance(item, Statement)
            else item
            for item in answer.explanation
        )

    @api.model
    def _tax_summary(self, groups, currency):
        """Return ``FR VAT 20% on €1,200.00: €240.00``, at most three of them."""
        _ = self.env._
        parts = [
            _(
                "%(tax)s on %(taxable)s: %(amount)s",
                tax=group["label"],
                taxable=currency.format(float(group["taxable"])),
                amount=currency.format(float(group["tax"])),
            )
            for group in groups
        ]
        if len(parts) > _SHOWN:
            more = _("%(count)s more", count=len(parts) - _SHOWN)
            parts = [*parts[:_SHOWN], more]
        return " · ".join(parts)


def _plain(rate):
    """Return a rate without trailing zeros."""
    return format(rate.normalize(), "f")
