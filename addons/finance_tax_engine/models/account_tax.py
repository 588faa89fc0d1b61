"""One Odoo tax per company, jurisdiction, tax type, EN 16931 category, rate and reason: on demand.

The amount of the tax is the rate, so that e-invoices and unsaved forms show the right percentage;
the amounts that are booked come from the determination (``extra_tax_data``). Accounts and report
tags are those of the company's own matching tax, so that the VAT return keeps working.
"""

from markupsafe import Markup
from odoo import Command, api, fields, models
from odoo.exceptions import ConcurrencyError
from psycopg2.errors import UniqueViolation

from ..core.amounts import percent
from ..core.answers import tax_key
from ..core.errors import NoTaxAccount

#: Scope a tax of the chart must have to stand for a category that is not taxed. Charts that do not
#: tell goods from services get no report tags for services: none is better than the wrong box.
SCOPES = {"K": ("consu", False), "G": ("consu", False), "AE": ("service",), "O": ("service",)}
#: Language of the texts that others are translations of.
_SOURCE = "en_US"


class AccountTax(models.Model):
    _inherit = "account.tax"

    finance_tax_key = fields.Char(
        "Engine key",
        copy=False,
        readonly=True,
        help="Country, jurisdiction, tax type, category, rate and reason: set on the taxes that the "
        "tax engine creates.",
        groups="base.group_user",
    )
    finance_jurisdiction_code = fields.Char(
        "Tax jurisdiction", copy=False, readonly=True, groups="base.group_user"
    )

    _finance_tax_key_uniq = models.UniqueIndex(
        "(company_id, finance_tax_key) WHERE finance_tax_key IS NOT NULL"
    )

    def _finance_taxes_for(self, move, details):
        """Return the Odoo taxes of an answer's details, ``tax_key`` → tax. Missing ones are created."""
        wanted = {tax_key(detail): detail for detail in details}
        names = {key: "|".join((move.tax_country_id.code or "", *key)) for key in wanted}
        known = self.env["finance.tax.service"]._work().taxes.setdefault(move.company_id.id, {})
        if unknown := [name for name in names.values() if name not in known]:
            domain = [("company_id", "=", move.company_id.id), ("finance_tax_key", "in", unknown)]
            known.update({tax.finance_tax_key: tax.id for tax in self.sudo().search(domain)})
        for key, name in names.items():
            if name not in known:
                values = self._finance_values(move, wanted[key], name)
                tax = self._finance_create_once(values)
                self._finance_translate(tax, lambda texts, key=key: _texts(texts, wanted[key]))
                known[name] = tax.id
        return {key: self.sudo().browse(known[name]) for key, name in names.items()}

    def write(self, vals):
        self._finance_forget()
        return super().write(vals)

    def unlink(self):
        self._finance_forget()
        return super().unlink()

    def _finance_forget(self):
        """Have the taxes of answers searched again: they may not be the same any more."""
        self.env["finance.tax.service"]._work().taxes.clear()

    def _finance_create_once(self, values):
        """Create a tax that another transaction may be creating at the same moment.

        The user need not be allowed to configure taxes. The savepoint does not flush: this happens
        while Odoo synchronises lines, whose state a flushing savepoint would discard.

        :raises ConcurrencyError: it has just been created where this transaction cannot see it;
            Odoo repeats the transaction
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return self.sudo().with_context(lang=_SOURCE).create(values)
        except UniqueViolation as error:
            key = values["finance_tax_key"]
            raise ConcurrencyError(f"another transaction has created the tax {key}") from error

    @api.model
    def _finance_translate(self, record, texts):
        """Store texts in each active language: taxes are read by customers, too.

        :param texts: function of the texts of finance in a language that returns field → text
        """
        finding = self.env["finance.finding"]
        for lang, _name in self.env["res.lang"].get_installed():
            if lang != _SOURCE:
                for name, value in texts(finding.with_context(lang=lang)).items():
                    self._finance_translate_field(record, name, lang, value)

    @api.model
    def _finance_translate_field(self, record, name, lang, value):
        """Store one translation. Of HTML the terms are translated, in their order."""
        field = record._fields[name]
        if not callable(field.translate):
            # Nothing but this text changes, so what the models do on every write is left out.
            models.BaseModel.write(record.with_context(lang=lang), {name: value})
        elif value:
            terms = zip(
                field.get_trans_terms(record[name]), field.get_trans_terms(value), strict=True
            )
            record.update_field_translations(name, {lang: dict(terms)})

    def _finance_values(self, move, detail, name):
        """Return the values of the tax that stands for ``detail``."""
        taxes = self.sudo().with_company(move.company_id)
        equivalent = taxes._find_equivalent_tax(move, detail)
        return {
            **_texts(self.env["finance.finding"].with_context(lang=_SOURCE), detail),
            "invoice_label": f"{percent(detail.rate)}%",
            "amount_type": "percent",
            "amount": float(detail.rate),
            "type_tax_use": "sale",
            "price_include_override": "tax_excluded",
            "company_id": move.company_id.id,
            "country_id": move.tax_country_id.id,
            "tax_group_id": (equivalent.tax_group_id or taxes._finance_group(move, detail)).id,
            "finance_tax_key": name,
            "finance_jurisdiction_code": detail.jurisdiction.code,
            **taxes._finance_repartition(move, detail, equivalent),
            **taxes._finance_einvoice_codes(detail),
        }

    def _find_equivalent_tax(self, move, detail):
        """Return the company's own tax of the same meaning, if its chart of accounts has one."""
        if detail.jurisdiction.country != move.tax_country_id.code:
            return self.browse()
        candidates = self._finance_own_taxes(move).filtered(
            lambda tax: (
                tax.amount_type == "percent"
                and tax.amount == float(detail.rate)
                and not tax.price_include
            )
        )
        if detail.category == "S":
            return candidates[:1]
        codes = "ubl_cii_tax_category_code"
        coded = codes in self._fields and candidates.filtered(
            lambda tax: tax[codes] == detail.category
        )
        scopes = SCOPES.get(detail.category, ())
        mapped = move.fiscal_position_id.with_context(active_test=False).tax_ids
        foreign = (candidates & mapped).filtered(lambda tax: tax.tax_scope in scopes)
        return coded[:1] or foreign[:1]

    def _finance_own_taxes(self, move):
        """Return the sales taxes of the company's chart: active, booked at invoicing and for goods first."""
        taxes = self.with_context(active_test=False).search(
            [
                *self._check_company_domain(move.company_id),
                ("type_tax_use", "=", "sale"),
                ("country_id", "=", move.tax_country_id.id),
                ("finance_tax_key", "=", False),
            ]
        )
        return taxes.sorted(
            lambda tax: (
                not tax.active,
                tax.tax_exigibility != "on_invoice",
                tax.tax_scope == "service",
                tax.sequence,
                tax.id,
            )
        )

    def _finance_group(self, move, detail):
        """Return the group under which the totals of a document show the tax, by its own name."""
        groups = self.env["account.tax.group"].with_context(lang=_SOURCE)
        source = self.env["finance.finding"].with_context(lang=_SOURCE)
        key = {
            "name": source._tax_label_of(detail),
            "company_id": move.company_id.id,
            "country_id": move.tax_country_id.id,
        }
        found = groups.search([(name, "=", value) for name, value in key.items()], limit=1)
        other = self._finance_own_taxes(move)[:1].tax_group_id
        accounts = (
            *("tax_payable_account_id", "tax_receivable_account_id"),
            "advance_tax_payment_account_id",
        )
        if found:
            return found
        group = groups.create({**key, **{name: other[name].id for name in accounts}})
        self._finance_translate(group, lambda texts: {"name": texts._tax_label_of(detail)})
        return group

    def _finance_repartition(self, move, detail, equivalent):
        """Return accounts and report tags of the equivalent tax; else only the account other sales
        taxes use.
        """
        if equivalent and (not detail.rate or equivalent.repartition_line_ids.account_id):
            return {
                name: [Command.create(_repartition(line)) for line in equivalent[name]]
                for name in ("invoice_repartition_line_ids", "refund_repartition_line_ids")
            }
        account = self._finance_own_taxes(move).invoice_repartition_line_ids.account_id[:1]
        if detail.rate and not account:
            raise NoTaxAccount(
                "account",
                company=move.company_id.name,
                tax=self.env["finance.finding"]._tax_name(detail),
            )
        tax_line = {"repartition_type": "tax", "factor_percent": 100, "account_id": account.id}
        lines = [Command.create({"repartition_type": "base"}), Command.create(tax_line)]
        return {"invoice_repartition_line_ids": lines, "refund_repartition_line_ids": lines}

    def _finance_einvoice_codes(self, detail):
        """Return category and reason for Odoo's UBL and CII builders, where they are installed."""
        if "ubl_cii_tax_category_code" not in self._fields:
            return {}
        reasons = dict(self._fields["ubl_cii_tax_exemption_reason_code"].selection)
        return {
            "ubl_cii_tax_category_code": detail.category,
            "ubl_cii_tax_exemption_reason_code": detail.reason_code
            if detail.reason_code in reasons
            else False,
        }


def _texts(finding, detail):
    """Return name and legal notes: what must be printed on the invoice when no tax is charged (T7)."""
    shown = finding._tax_detail(detail)
    notes = [text for text in (shown["reason"], shown["legal_reference"]) if text]
    printed = detail.category != "S" and notes
    return {
        "name": finding._tax_name(detail),
        "invoice_legal_notes": printed and Markup("<p>%s</p>") % " — ".join(notes),
    }


def _repartition(line):
    return {
        "repartition_type": line.repartition_type,
        "factor_percent": line.factor_percent,
        "account_id": line.account_id.id,
        "tag_ids": [Command.set(line.tag_ids.ids)],
        "use_in_tax_closing": line.use_in_tax_closing,
    }
