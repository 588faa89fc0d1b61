"""Invoices in the words of the canonical contract, and their timeline."""

from decimal import Decimal

from odoo import fields, models

from ..core import contract
from .finance_posting import AFTER, BEFORE, Batch


def decimal_of(value, digits=None):
    """An exact Decimal of what Odoo keeps as a float; ``digits`` rounds to the precision it is shown with."""
    number = Decimal(repr(value))
    return number if digits is None else round(number, digits)


def _is_hidden(user, field):
    return user.share and (field._module or "").startswith("finance_")


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "finance.audit.timeline.mixin"]

    def _has_field_access(self, field, operation):
        """Hide every field of this product from portal users: customers read their own invoices by RPC."""
        allowed = super()._has_field_access(field, operation)
        return allowed and (self.env.su or not _is_hidden(self.env.user, field))

    def _post(self, soft=True):
        """Post through the pipeline: checks and tax before Odoo posts, rendering and the outbox after it."""
        posting = self.env["finance.posting"]
        batch = Batch(self, soft)
        posting._run(BEFORE, batch)
        batch.posted = super()._post(soft)
        posting._run(AFTER, batch)
        return batch.posted

    def _finance_document(self):
        """This invoice or credit note as a canonical document.

        Amounts are those of the lines before tax; a credit note's are positive. The tax date is the delivery date,
        else the invoice date, else today in the user's time zone.
        """
        self.ensure_one()
        kind = "credit_note" if self.move_type == "out_refund" else "invoice"
        origin = self.reversed_entry_id
        today = fields.Date.context_today(self)
        return contract.Document(
            kind=kind,
            id=str(self.id),
            number=self.name or "",
            issue_date=self.invoice_date or None,
            tax_date=self._finance_tax_date() or today,
            currency=self.currency_id.name,
            company_currency=self.company_id.currency_id.name,
            currency_rate=decimal_of(self.invoice_currency_rate or 1.0),
            company_id=str(self.company_id.id),
            seller=self.company_id.partner_id._finance_party(),
            buyer=self.commercial_partner_id._finance_party(),
            ship_from=self.company_id.partner_id._finance_address(),
            ship_to=(self.partner_shipping_id or self.partner_id)._finance_address(),
            lines=tuple(
                contract.Line(**line._finance_line_values()) for line in self._finance_lines()
            ),
            original=origin._finance_reference() if origin else None,
        )

    def _finance_tax_date(self):
        """Date of the tax point: the original's for a credit note, else delivery, else invoice date."""
        if self.move_type == "out_refund" and self.reversed_entry_id:
            return self.reversed_entry_id._finance_tax_date()
        return self.delivery_date or self.invoice_date

    def _finance_lines(self):
        return self.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _finance_reference(self):
        return contract.DocumentReference(
            id=str(self.id),
            number=self.name or "",
            issue_date=self.invoice_date or None,
            tax_date=self._finance_tax_date() or None,
        )


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _has_field_access(self, field, operation):
        """Hide every field of this product from portal users."""
        allowed = super()._has_field_access(field, operation)
        return allowed and (self.env.su or not _is_hidden(self.env.user, field))

    def _finance_line_values(self):
        """Values of one ``contract.Line``. Addons that know more about products extend this."""
        self.ensure_one()
        return {
            "id": str(self.id),
            "description": self.name or self.product_id.display_name or "",
            "product_code": self.product_id.default_code or "",
            "supply": "services" if self.product_id.type == "service" else "goods",
            "quantity": decimal_of(self.quantity),
            "unit_price": decimal_of(self.price_unit),
            "discount_percent": decimal_of(self.discount),
            "net_amount": decimal_of(self.price_subtotal, self.currency_id.decimal_places),
        }


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _finance_party(self):
        """This partner as a canonical party, with every identifier known."""
        self.ensure_one()
        return contract.Party(
            id=str(self.id),
            name=self.name or "",
            is_business=self._finance_is_business(),
            address=self._finance_address(),
            identifiers=tuple(
                contract.Identifier(scheme=scheme, value=value)
                for scheme, value in self._finance_identifiers()
            ),
        )

    def _finance_is_business(self):
        return bool(self.is_company or self.vat)

    def _finance_identifiers(self):
        """Pairs (scheme, value). Country addons add theirs."""
        return [("vat", self.vat.replace(" ", "").upper())] if self.vat else []

    def _finance_address(self):
        return contract.Address(
            street=", ".join(filter(None, (self.street, self.street2))),
            city=self.city or "",
            postal_code=self.zip or "",
            region=self.state_id.code or "",
            country=self.country_id.code or None,
        )
