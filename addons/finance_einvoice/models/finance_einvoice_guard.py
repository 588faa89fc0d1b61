"""Nothing that went into a rendering changes while its e-invoice is on its way or held (E12).

The guard stands in ``write`` of invoices (``account_move``) and in ``create``, ``write`` and ``unlink`` of their lines.
It looks at the state of the e-invoice only: neither a context nor ``sudo`` opens it. What stays free is listed in
``core.guard``. A nightly job renders again and compares with what was sent, which also finds changes that did not pass
the ORM.
"""

import hashlib
from collections import defaultdict

from odoo import api, fields, models, tools
from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.addons.finance_connector_base.core import cases
from odoo.addons.finance_connector_base.core.finding import WARNING, Finding
from odoo.addons.finance_connector_base.exceptions import ReservedField
from odoo.addons.finance_connector_base.models.finance_evidence_comparison import Subject
from odoo.addons.finance_connector_base.models.finance_posting import is_suite_write
from odoo.exceptions import UserError
from odoo.tools import frozendict

from ..core import guard, lifecycle


class EinvoiceHeld(UserError):
    """The change would make the document differ from the e-invoice that was sent."""

    #: The web client finds its dialog by the exception's name; this names the one of Odoo's own class.
    context = {"exception_class": "odoo.exceptions.UserError"}


def kept_fields(records, vals):
    """Return the names of the fields whose values reach the database; Odoo writes others as flags in its cache."""
    return {
        name
        for name in vals
        # An import names the record by its id, which the ORM does not write.
        if name != "id"
        if (field := records._fields.get(name)) and (field.store or field.inverse)
    }


#: What opens and closes the guard, and for which document.
_KEYS = frozenset({"state", "move_id", "company_id", "regime"})
#: Set by the ORM itself.
_AUTOMATIC = frozenset(models.MAGIC_COLUMNS)
#: Type and deletion rule of the fields from which PostgreSQL removes a deleted record.
_EMPTIED = frozenset({("many2one", "set null"), ("many2many", "cascade")})


class Base(models.AbstractModel):
    _inherit = "base"

    # Also for a call with the context key of an uninstallation, which every client can set.
    @api.ondelete(at_uninstall=True)
    def _unlink_except_referenced_by_guarded(self):
        """Refuse to delete what PostgreSQL would then remove from a guarded document by itself.

        :raises EinvoiceHeld: names the document and the field
        """
        if not self.pool.ready:
            return  # modules are being installed or removed
        for model, name in self.env["finance.einvoice"]._references_lost().get(self._name, ()):
            path = "" if model == "account.move" else "move_id."
            domain = [
                (name, "in", self.ids),
                (f"{path}einvoice_ids.state", "in", tuple(lifecycle.GUARDED)),
            ]
            records = self.env[model].sudo().with_context(active_test=False)
            found = records.search(domain, limit=1)
            moves = found if model == "account.move" else found.move_id
            moves._finance_check_held(found._fields, {name})


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.model_create_multi
    def create(self, vals_list):
        default = self.env.context.get("default_move_id")
        moves = self.env["account.move"].browse(
            {vals.get("move_id", default) for vals in vals_list} - {None, False}
        )
        moves._finance_check_held(moves._fields, {"line_ids"})
        return super().create(vals_list)

    def write(self, vals):
        names = kept_fields(self, vals) - guard.FREE_OF_LINE
        if names:
            moves = self.move_id | self.env["account.move"].browse(vals.get("move_id") or ())
            moves._finance_check_held(self._fields, names)
        return super().write(vals)

    def unlink(self):
        self.move_id._finance_check_held(self.move_id._fields, {"line_ids"})
        return super().unlink()


class AccountTax(models.Model):
    _inherit = "account.tax"

    def write(self, vals):
        """Refuse another rate or category for a tax that a guarded document shows; that is a new tax.

        :raises EinvoiceHeld: names the first of these documents
        """
        changed = guard.RATE_OF_TAX & vals.keys()
        taxes = self.filtered(
            lambda tax: any(
                self._fields[name].convert_to_write(tax[name], tax) != vals[name]
                for name in changed
            )
        )
        if taxes:
            # A line names a group of taxes, not the taxes in it.
            groups = (
                taxes.sudo()
                .with_context(active_test=False)
                .search([("children_tax_ids", "in", taxes.ids)])
            )
            line = (
                self.env["account.move.line"]
                .sudo()
                .with_context(active_test=False)
                .search(
                    [
                        ("tax_ids", "in", (taxes.sudo() | groups).ids),
                        ("move_id.einvoice_ids.state", "in", tuple(lifecycle.GUARDED)),
                    ],
                    limit=1,
                )
            )
            line.move_id._finance_check_held(self._fields, changed)
        return super().write(vals)


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    @api.model_create_multi
    def create(self, vals_list):
        attachments = super().create(vals_list)
        # A second file of a version would be read instead of the first.
        attachments._finance_versions()._finance_check_single()
        return attachments

    def write(self, vals):
        self._finance_check_version()
        return super().write(vals)

    def unlink(self):
        self._finance_check_version()
        return super().unlink()

    def _finance_versions(self):
        """Return those of these attachments that hold the file of an e-invoice version."""
        return self.sudo().filtered(
            lambda item: (
                item.res_model == "finance.einvoice.version" and item.res_field == "content"
            )
        )

    def _finance_check_single(self):
        if not self:
            return
        files = self.search_count(
            [
                ("res_model", "=", "finance.einvoice.version"),
                ("res_field", "=", "content"),
                ("res_id", "in", self.mapped("res_id")),
            ]
        )
        if files > len(set(self.mapped("res_id"))):
            raise self._finance_evidence_error()

    def _finance_check_version(self):
        """Refuse to touch the file of an e-invoice version, which the ORM keeps as an attachment.

        :raises EvidenceIsAppendOnly: one of these holds what was sent
        """
        if self._finance_versions():
            raise self._finance_evidence_error()

    def _finance_evidence_error(self):
        return EvidenceIsAppendOnly(
            self.env._("The file of an e-invoice version is evidence and cannot be changed.")
        )


class FinanceEinvoice(models.Model):
    _inherit = "finance.einvoice"

    compared_at = fields.Datetime("Compared with the invoice", readonly=True, copy=False)

    def write(self, vals):
        """Refuse a state that no transition has led to, and another document.

        :raises ReservedField: whoever writes it, unless the suite does
        """
        if _KEYS & vals.keys() and not is_suite_write(self, vals):
            raise ReservedField(
                self.env._(
                    "The state and the document of an e-invoice are set by its life cycle and cannot be written."
                )
            )
        return super().write(vals)

    @api.model
    @tools.ormcache(cache="stable")
    def _references_lost(self):
        """Return model → ((model, field), …): what a guarded document loses when such a record is deleted.

        The deletion sets these in the database, where no ``write`` is called.
        """
        lost = defaultdict(list)
        for model, free in (
            ("account.move", guard.FREE_OF_MOVE),
            ("account.move.line", guard.FREE_OF_LINE),
        ):
            for name, field in self.env[model]._fields.items():
                if (
                    field.store
                    and name not in free | _AUTOMATIC
                    and (field.type, getattr(field, "ondelete", "")) in _EMPTIED
                ):
                    lost[field.comodel_name].append((model, name))
        return frozendict({comodel: tuple(names) for comodel, names in lost.items()})

    def _refusal_of_change(self, labels):
        """Return why these fields of the document cannot change, and what to do instead."""
        self.ensure_one()
        if self.state in lifecycle.HELD:
            return self.env._(
                "The e-invoice of %(document)s was delivered, so %(fields)s cannot be changed. "
                "Correct the document with a credit note.",
                document=self.move_id.display_name,
                fields=labels,
            )
        return self.env._(
            "The e-invoice of %(document)s has been submitted, so %(fields)s cannot be changed. "
            "Reset the document to draft, which is possible as long as nothing has been sent; "
            "otherwise wait for the answer of the platform.",
            document=self.move_id.display_name,
            fields=labels,
        )

    # -- the nightly comparison ----------------------------------------------------------------------------------

    @api.model
    def _cron_compare_renderings(self, batch_size=100):
        """Render again what is held or on its way, each document once a day, and report differences."""
        today = fields.Datetime.now().replace(hour=0, minute=0, second=0)
        domain = [
            ("state", "in", tuple(lifecycle.GUARDED)),
            ("version_ids", "!=", False),
            "|",
            ("compared_at", "=", False),
            ("compared_at", "<", today),
        ]
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=self.search_count(domain))
        while einvoices := self.search(
            domain, order="compared_at NULLS FIRST, id", limit=batch_size
        ):
            for einvoice in einvoices:
                einvoice._compare_rendering()
            einvoices.compared_at = fields.Datetime.now()
            if not cron._commit_progress(len(einvoices)):
                break

    def _compare_rendering(self):
        """Compare the document with its latest version; open an issue for a difference, close a resolved one."""
        self.ensure_one()
        move, version = self.move_id, self.version_ids[:1]
        watch = self.env["finance.posting.watch"]
        digest = self._digest_of_difference(version)
        if digest is None:
            watch._close_issue(cases.DIFFERENCE, move)
            return
        watch._open_issue(
            cases.DIFFERENCE,
            move,
            Finding(
                "einvoice.differs",
                WARNING,
                {"reference": self.reference or version.filename, "rendered": digest},
            ),
            "einvoice.differs",
            version=version.number,
            sha256=version.sha256,
            rendered_sha256=digest,
        )

    def _digest_of_difference(self, version):
        """Return the SHA-256 of today's rendering if it differs from the version, else None.

        A document that cannot be rendered any more differs: the digest is then empty.
        """
        regime, move = self._regime_model(), self.move_id.with_company(self.company_id)
        try:
            with self.env.cr.savepoint():
                _filename, content = regime._render(move, (version.route or {}).get("format", ""))
        # Whatever prevents a held document from being rendered is what the job looks for.
        except Exception:  # noqa: BLE001
            return ""
        digest = hashlib.sha256(content).hexdigest()
        if digest == version.sha256:
            return None
        held = self.env["finance.exchange"]._decode(version.content)
        return None if regime._comparable(content) == regime._comparable(held) else digest


class FinanceEvidenceComparison(models.Model):
    _inherit = "finance.evidence.comparison"

    @api.model
    def _subjects(self):
        return [
            *super()._subjects(),
            Subject(
                "finance.einvoice",
                "state",
                "einvoice.",
                tuple(lifecycle.TRANSITIONS),
                unrecorded=(lifecycle.DRAFT,),
            ),
        ]

    @api.model
    def _damaged(self, subject, ids):
        """Compare the files of the versions of these e-invoices with their checksums as well."""
        damaged = super()._damaged(subject, ids)
        if subject.model != "finance.einvoice":
            return damaged
        versions = self.env["finance.einvoice.version"].sudo().with_context(bin_size=False)
        for version in versions.search([("einvoice_id", "in", ids)]):
            content = self.env["finance.exchange"]._decode(version.content)
            if hashlib.sha256(content).hexdigest() != version.sha256:
                damaged.append(version.einvoice_id.id)
            version.invalidate_recordset(["content"])
        return damaged
