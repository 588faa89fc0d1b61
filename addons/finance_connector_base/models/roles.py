"""Roles of Finance Connect and the one check that a public method makes of them."""

from odoo.exceptions import AccessError

ACCOUNTANT = "finance_connector_base.group_accountant"
OPERATOR = "finance_connector_base.group_operator"
ADMIN = "finance_connector_base.group_admin"
AUDITOR = "finance_audit.group_auditor"


def require_role(records, *roles):
    """Check that the user has one of ``roles`` and may read ``records``.

    :param roles: external ids of groups; the message names them in the user's language
    :raises AccessError: the user has none of the roles, or the records belong to another company.
    """
    env = records.env
    if not any(env.user.has_group(role) for role in roles):
        names = [env.ref(role).sudo().name for role in roles]
        raise AccessError(
            env._("This action requires the Finance Connect role: %s.", " / ".join(names))
        )
    records.check_access("read")
