"""Drop the texts of determinations: they are rendered from the stored answer, in the language of the reader."""


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Drop two columns that nothing reads any more; request, answer and fingerprint stay."""
    cr.execute(
        "ALTER TABLE finance_tax_determination DROP COLUMN IF EXISTS explanation, DROP COLUMN IF EXISTS summary"
    )
