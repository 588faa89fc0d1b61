"""Invoices in the words of the canonical contract, their timeline, and the one way to post them."""

from decimal import Decimal

from odoo import api, fields, models

from ..core import contract
from ..exceptions import PipelineRequired, ReservedField
from . import finance_posting as posting

#: A posted document must not get under the control of an engine or a regime, or out of it, by one of these.
_IDENTITY = frozenset({"move_type", "company_id", "journal_id"})
#: Fields of the suite; of these, those that no person edits are written by the suite alone.
_OWN_PREFIXES = ("finance_", "einvoice_")


def decimal_of(value, digits=None):
    """An exact Decimal of what Odoo keeps as a float; ``digits`` rounds to the precision it is shown with."""
    number = Decimal(repr(value))
    return number if digits is None else round(number, digits)


def _is_hidden(user, field):
    return user.share and (field._module or "").startswith("finance_")


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "finance.audit.timeline.mixin", "finance.hidden.fields.mixin"]

    def _has_field_access(self, field, operation):
        """Hide every field of this product from portal users: customers read their own invoices by RPC."""
        allowed = super()._has_field_access(field, operation)
        return allowed and (self.env.su or not _is_hidden(self.env.user, field))

    # -- posting: see ``finance_posting`` ------------------------------------------------------------------------

    def _post(self, soft=True):
        """Post through the pipeline: checks and tax before Odoo posts, rendering and the outbox after it."""
        return posting.run(self, soft, super()._post)

    def action_post(self):
        """Post; of several documents under control, those that can be posted. The others are shown with reasons."""
        if not self._finance_is_batch():
            return super().action_post()
        # In these functions ``super()`` is bound to their argument.
        return self._finance_post_several(self, lambda subset: super().action_post())

    def action_validate_moves_with_confirmation(self):
        """Post what needs no confirmation; documents that cannot be posted are shown with reasons."""
        drafts = self.filtered(lambda move: move.state == "draft" and move.line_ids)
        confirmed = drafts - drafts._get_moves_requiring_confirmation()
        if not (confirmed and drafts._finance_is_batch()):
            return super().action_validate_moves_with_confirmation()
        return self._finance_post_several(
            confirmed,
            lambda subset: super().action_validate_moves_with_confirmation(),
            rest=drafts - confirmed,
        )

    def _finance_post_several(self, moves, attempt, rest=None, soft=False):
        """Post what can be posted; return the action that shows the refusals, else Odoo's own.

        :param attempt: posts the documents it is given, all or none, and returns an action or False
        :param rest: documents that Odoo asks a person about afterwards, by the same method
        """
        actions = []
        refusals = posting.post_what_can_be(
            moves, lambda subset: actions.append(attempt(subset)), soft
        )
        following = attempt(rest) if rest else next(filter(None, actions), False)
        return self.env["finance.posting.result"]._show(refusals, following)

    @api.model
    def _autopost_draft_entries(self, batch_size=100):
        """Post what is due; a draft that cannot be posted gets a case and stops no other.

        Odoo looks at the first hundred only and gives up at an error with a button, so this replaces its method.
        """
        self.env["finance.posting.watch"]._post_due(batch_size)

    def _finance_needs_pipeline(self):
        """Return whether this document may only be posted through the pipeline. Addons extend it."""
        self.ensure_one()
        return False

    def _finance_is_batch(self):
        """Return whether these are several documents of which one at least needs the pipeline."""
        return len(self) > 1 and any(move._finance_needs_pipeline() for move in self)

    @api.model
    def _finance_missing_evidence(self):
        """Return code → posted documents that lack what the pipeline would have made of them. Addons extend it."""
        return {}

    @api.model_create_multi
    def create(self, vals_list):
        context = self.env.context
        defaults = {key[8:]: context[key] for key in context if key.startswith("default_")}
        for vals in (defaults, *vals_list):
            self._finance_check_reserved(
                # A bank statement line hands the defaults of a document on to it.
                name
                for name, value in vals.items()
                if value and value != self._finance_default(name)
            )
        moves = super().create(vals_list)
        moves.filtered(lambda move: move.state == "posted")._finance_refuse_unposted()
        return moves

    @api.model
    def default_get(self, fields_list):
        """Leave out what users have stored as their own defaults for fields of the suite."""
        values = super().default_get(fields_list)
        for name in [name for name in values if self._finance_is_reserved(name)]:
            del values[name]
            if default := self._finance_default(name):
                values[name] = default
        return values

    @api.model
    def _finance_default(self, name):
        """Return the value that a field has by its definition, or None."""
        field = self._fields.get(name)
        return field.default(self) if field and field.default else None

    def write(self, vals):
        if not posting.is_suite_write(self, vals):
            self._finance_check_reserved(vals)
        if vals.get("state") == "posted":
            self.filtered(lambda move: move.state != "posted")._finance_refuse_unposted()
        if self.env.context.get("skip_readonly_check") and any(
            move._finance_needs_pipeline() for move in self
        ):
            # Odoo needs this key for bank statements; on an invoice it would only lift what protects a posted one.
            self = self.with_context(skip_readonly_check=False)  # noqa: PLW0642
        if not _IDENTITY & vals.keys():
            return super().write(vals)
        before = {move: move._finance_needs_pipeline() for move in self}
        result = super().write(vals)
        for move, needed in before.items():
            move._finance_check_identity(needed, leaves_type="move_type" in vals)
        return result

    def _finance_refuse_unposted(self):
        """Refuse a state that no pipeline has led to.

        :raises PipelineRequired: an engine or a regime applies to one of the documents
        """
        for move in self:
            if not posting.may_be_posted(move) and move._finance_needs_pipeline():
                raise PipelineRequired(
                    self.env._(
                        "%(document)s is under the control of a tax engine or an e-invoicing regime. "
                        "It is posted with the button “Confirm” only, which runs all checks.",
                        document=move.display_name,
                    )
                )

    def _finance_check_identity(self, needed, leaves_type):
        """Refuse that a document comes under control when it is posted already, or leaves it.

        :param needed: whether the document was under control before the change
        :raises PipelineRequired: names the document and says what to do instead
        """
        needs = self._finance_needs_pipeline()
        if needs == needed or (self.state == "draft" and not (needed and leaves_type)):
            return
        raise PipelineRequired(
            self.env._(
                "Type, company and journal of %(document)s cannot be changed like this: a tax engine or an "
                "e-invoicing regime applies to one kind of document and not to the other. "
                "Cancel the document and create the right one.",
                document=self.display_name,
            )
        )

    @api.model
    def _finance_is_reserved(self, name):
        """Return whether only the suite writes this field."""
        field = name.startswith(_OWN_PREFIXES) and self._fields.get(name)
        return bool(field and (field.readonly or field.type == "one2many"))

    def _finance_check_reserved(self, names):
        """Refuse to let anybody but the suite write what it has determined.

        :raises ReservedField: with the label of the field
        """
        for name in names:
            if self._finance_is_reserved(name):
                field = self._fields[name]
                raise ReservedField(
                    self.env._(
                        "“%(field)s” is set by the checks and answers it stands for and cannot be written.",
                        field=field._description_string(self.env),
                    )
                )

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
    _name = "account.move.line"
    _inherit = ["account.move.line", "finance.hidden.fields.mixin"]

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
    _name = "res.partner"
    _inherit = ["res.partner", "finance.hidden.fields.mixin"]

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
