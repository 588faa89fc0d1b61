"""Replace the activities about posting by cases, which the next run of the scheduled job opens."""

from odoo import SUPERUSER_ID, api

_TYPES = (
    "finance_connector_base.mail_activity_type_not_posted",
    "finance_connector_base.mail_activity_type_no_evidence",
)


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Delete the activities and their types."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    for xml_id in _TYPES:
        if kind := env.ref(xml_id, raise_if_not_found=False):
            activities = env["mail.activity"].with_context(active_test=False)
            activities.search([("activity_type_id", "=", kind.id)]).unlink()
            kind.unlink()
