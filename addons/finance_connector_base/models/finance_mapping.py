"""Which code of a provider or norm a record of Odoo stands for, with inheritance.

Public surface for other code: ``_kinds`` (what is mapped) and ``_standard_codes`` (codes that need no mapping), which
addons extend, and ``_map`` (the codes of many records).
A record inherits the code of what it belongs to: product → template → category → the categories above → its standard code
→ the default of the company → the shared default. On each level the mappings of the company, or of the nearest company
above it with some, come before shared ones. Without a code there is a finding, never a plausible default.
"""

from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..core import routing
from ..core.finding import ERROR, Finding
from .finance_route import CUSTOMER_KINDS, DOCUMENT_KINDS

MODEL = "finance.mapping"


class Kind(NamedTuple):
    """What is mapped: its title, the models of its records, and the field of invoice lines they are found in."""

    title: str
    models: tuple[str, ...]
    line_field: str


class Mapped(NamedTuple):
    """The code of one record and the mapping it comes from (None: a standard code), or a finding."""

    code: str
    mapping: Any
    finding: Any


class FinanceMapping(models.Model):
    _name = MODEL
    _description = "Code mapping"
    _inherit = ["finance.shared.mixin", "finance.audit.tracked.mixin"]
    _order = "kind, source, company_id, sequence, id"
    _rec_name = "code"
    _audit_tracked = (
        *("kind", "source", "code", "company_id", "country_id", "document_kind"),
        *("customer_kind", "sequence", "active"),
    )

    kind = fields.Selection(
        selection=lambda self: self.env[MODEL]._kind_selection(), required=True, index=True
    )
    source = fields.Reference(
        selection=lambda self: self.env[MODEL]._source_selection(),
        string="Record",
        index=True,
        help="Empty: the default for every record without a code of its own.",
    )
    code = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        default=lambda self: self.env.company,
        index=True,
        ondelete="cascade",
        help="Empty: shared by all companies.",
    )
    country_id = fields.Many2one("res.country", "Country of the customer", ondelete="restrict")
    document_kind = fields.Selection(DOCUMENT_KINDS, "Document kind")
    customer_kind = fields.Selection(CUSTOMER_KINDS, "Customers")

    # -- registry ------------------------------------------------------------------------------------------------

    @api.model
    def _kinds(self):
        """Return code → ``Kind``. Codes are stored: retired, never reused."""
        return {}

    @api.model
    def _standard_codes(self, kind, records):
        """Return record id → code of the records whose code a published table gives. Addons extend it."""
        return {}

    @api.model
    def _kind_selection(self):
        return [(code, kind.title) for code, kind in self._kinds().items()]

    @api.model
    def _source_selection(self):
        names = dict.fromkeys(name for kind in self._kinds().values() for name in kind.models)
        return [(name, self.env[name]._description) for name in names if name in self.env]

    @api.constrains("kind", "source", "code")
    def _check_source(self):
        for mapping in self:
            kind = self._kinds().get(mapping.kind)
            if kind and mapping.source and mapping.source._name not in kind.models:
                raise ValidationError(
                    self.env._(
                        "“%(kind)s” cannot be mapped for “%(record)s”.",
                        kind=kind.title,
                        record=mapping.source.display_name,
                    )
                )

    # -- mapping -------------------------------------------------------------------------------------------------

    @api.model
    def _map(self, kind, records, company, facts):
        """Return record id → ``Mapped`` for many records of one kind.

        :param company: the company of the document
        :param facts: facts of the document, as ``finance.route._facts_of`` returns them
        """
        lineages = {record.id: self._lineage(record) for record in records.sudo()}
        sources = {name for lineage in lineages.values() for name in lineage}
        book = self._by_source(kind, sources, company)
        standard = self._standard_codes(kind, records.sudo())

        def found_in(sources):
            levels = [book[key] for key in self._keys(sources, company) if key in book]
            return routing.map_code(levels, facts)

        result = {}
        for record in records:
            found = found_in(lineages[record.id])
            if found is None and record.id in standard:
                result[record.id] = Mapped(standard[record.id], None, None)
            else:
                result[record.id] = self._mapped(kind, record, found or found_in([False]))
        return result

    @api.model
    def _mapped(self, kind, record, found):
        if isinstance(found, routing.Candidate):
            mapping = self.sudo().browse(found.id)
            return Mapped(mapping.code, mapping, None)
        code, args = routing.UNMAPPED, {}
        if found is not None:
            code, args = routing.MAPPING_AMBIGUOUS, {"codes": str(found)}
        args = {"mapping_kind": kind, "record": record.sudo().display_name, **args}
        return Mapped("", None, Finding(code, ERROR, args, record._name, record.id))

    @api.model
    def _lineage(self, record):
        """Return the references from which a record inherits its code, nearest first."""
        lineage = [record]
        if record._name == "product.product":
            lineage.append(record.product_tmpl_id)
        if lineage[-1]._name == "product.template":
            lineage.append(record.categ_id)
        while lineage[-1]._name == "product.category" and lineage[-1].parent_id:
            lineage.append(lineage[-1].parent_id)
        return [f"{item._name},{item.id}" for item in lineage if item]

    @api.model
    def _keys(self, sources, company):
        """Yield (reference, company id), the nearest first; the reference of a default is False."""
        owners = [*reversed(company.sudo().parent_ids.ids), False]
        for source in sources:
            for owner in owners:
                yield source, owner

    @api.model
    def _by_source(self, kind, sources, company):
        """Return the mappings of these references as candidates by (reference, company id)."""
        mappings = self.sudo().search(
            [
                ("kind", "=", kind),
                ("source", "in", [*sources, False]),
                ("company_id", "in", [*company.sudo().parent_ids.ids, False]),
                # Named, because the caller's context may include archived records.
                ("active", "=", True),
            ]
        )
        book = {}
        for mapping in mappings:
            source = f"{mapping.source._name},{mapping.source.id}" if mapping.source else False
            key = source, mapping.company_id.id
            book[key] = (*book.get(key, ()), mapping._candidate())
        return book

    def _candidate(self):
        """Return the mapping as a value of the core."""
        self.ensure_one()
        given = {name: value for name, value in self._criteria().items() if value}
        return routing.Candidate(self.id, self.code, self.sequence, given)

    def _criteria(self):
        """Return the conditions of the mapping. Addons that add some extend it."""
        return {
            "document_kind": self.document_kind,
            "customer_kind": self.customer_kind,
            "country": self.country_id.code,
        }
