"""What happens when the addon is uninstalled."""

from .core import schema
from .models.administration import refused_uninstall, uninstall_is_allowed


def uninstall_hook(env):
    """Drop the evidence together with the addon.

    Records that Odoo deletes afterwards, such as the groups, leave no entries any more: see
    ``finance.audit.entry._append``.

    :raises UserError: the configuration of the server does not allow it. Odoo resets the addon then.
    """
    if not uninstall_is_allowed():
        raise refused_uninstall(env, "finance_audit")
    schema.drop(env.cr)
