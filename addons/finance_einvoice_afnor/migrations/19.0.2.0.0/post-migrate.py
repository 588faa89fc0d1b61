"""What a French platform has taken is filed, not accepted: status and outcome say so from now on.

Versions, exchanges and earlier audit entries stay as they are; one audit entry for each e-invoice says what changed.
"""

from odoo import SUPERUSER_ID, api

_BATCH = 1000


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Reclassify the accepted e-invoices that were submitted through this addon's platforms."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    domain = [
        ("regime", "=", "fr"),
        ("state", "=", "accepted"),
        ("exchange_id.connection_id.provider", "=", "afnor"),
    ]
    while einvoices := env["finance.einvoice"].search(domain, order="id", limit=_BATCH):
        _reclassify(env, einvoices)
        env.flush_all()
        env.invalidate_all()


def _reclassify(env, einvoices):
    """Rename the status. Since when it holds, and at what time the platform answered, is kept."""
    env.cr.execute(
        """
        UPDATE finance_einvoice
           SET state = 'filed', filed_at = accepted_at, accepted_at = NULL,
               status_code = 'einvoice.filed'
         WHERE id = ANY(%s)
        """,
        [einvoices.ids],
    )
    env.cr.execute(
        """
        UPDATE finance_einvoice_version
           SET outcome = 'filed'
         WHERE outcome = 'accepted' AND einvoice_id = ANY(%s)
        """,
        [einvoices.ids],
    )
    einvoices.invalidate_recordset()
    einvoices._audit(
        [
            einvoice._entry(
                "einvoice.reclassified",
                "einvoice.reclassified",
                before="accepted",
                after="filed",
            )
            for einvoice in einvoices
        ]
    )
