"""Give every connection its identity before the column is read."""


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Fill in what secrets are bound to; connections that have one keep it."""
    cr.execute("ALTER TABLE finance_connection ADD COLUMN IF NOT EXISTS uuid varchar")
    cr.execute("UPDATE finance_connection SET uuid = gen_random_uuid()::text WHERE uuid IS NULL")
