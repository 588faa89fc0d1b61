"""What happens when the addon is uninstalled."""

from .core import schema


def uninstall_hook(env):
    """Drop the evidence together with the addon.

    Records that Odoo deletes afterwards, such as the groups, leave no entries any more: see
    ``finance.audit.entry._append``.
    """
    schema.drop(env.cr)
