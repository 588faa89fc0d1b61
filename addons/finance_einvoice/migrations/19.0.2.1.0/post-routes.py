"""Turn the regime and connection of each company into a route without conditions, which does the same.

E-invoices, their states and since when evidence is required stay as they are.
"""

from odoo import SUPERUSER_ID, api
from odoo.addons.finance_audit.models.finance_audit_tracked_mixin import _snapshot
from odoo.tools.sql import column_exists

_COLUMNS = ("finance_einvoice_regime", "finance_einvoice_connection_id")


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Insert by SQL: the addons of the regimes are not loaded yet, so the ORM would refuse their codes."""
    if not all(column_exists(cr, "res_company", name) for name in _COLUMNS):
        return
    cr.execute(
        """
        INSERT INTO finance_route (name, sequence, active, company_id, purpose, result, regime, connection_id,
                                   create_uid, write_uid, create_date, write_date)
        SELECT 'E-invoices of ' || company.name, 10, company.finance_einvoice_regime IS NOT NULL, company.id,
               'einvoice', 'send', company.finance_einvoice_regime, company.finance_einvoice_connection_id,
               %(user)s, %(user)s, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
          FROM res_company company
         WHERE (company.finance_einvoice_regime IS NOT NULL OR company.finance_einvoice_connection_id IS NOT NULL)
           AND NOT EXISTS (SELECT FROM finance_route WHERE company_id = company.id AND purpose = 'einvoice')
         ORDER BY company.id
     RETURNING id
        """,
        {"user": SUPERUSER_ID},
    )
    env = api.Environment(cr, SUPERUSER_ID, {})
    routes = env["finance.route"].browse([row[0] for row in cr.fetchall()])
    names = routes._audit_names()
    routes._audit_record(
        "created",
        [(route, route._audit_changes({}, _snapshot(route, names), {})) for route in routes],
    )
    for name in _COLUMNS:
        cr.execute("DELETE FROM ir_model_constraint WHERE name = %s", [f"res_company_{name}_fkey"])
        cr.execute(f"ALTER TABLE res_company DROP COLUMN {name}")
    env.registry.clear_cache()
