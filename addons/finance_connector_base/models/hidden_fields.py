"""Fields of the suite on Odoo's documents are not used for grouping or ordering by who cannot read them.

Odoo checks the groups of a field where it is read and where it is searched, but not where stored values
are grouped or ordered, which shows them as well (to a portal user on the own invoices, for instance).
"""

from odoo import models


class FinanceHiddenFieldsMixin(models.AbstractModel):
    _name = "finance.hidden.fields.mixin"
    _description = "Fields that are also hidden from grouping and ordering"

    def _read_group_groupby(self, alias, groupby_spec, query):
        self._check_named_field(groupby_spec)
        return super()._read_group_groupby(alias, groupby_spec, query)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        self._check_named_field(field_name)
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def _check_named_field(self, expression):
        field = self._fields.get(expression.partition(":")[0].partition(".")[0])
        if field is not None and field.groups:
            self._check_field_access(field, "read")
