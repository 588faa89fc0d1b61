"""The network options of this server, as configured by its administrator in ``odoo.conf``."""

from odoo.tools import config

from .core.address import NetworkPolicy


def network_policy():
    """Return what this server may call beyond public https addresses.

    :raises ForbiddenAddress: an option cannot be read; nothing is called then.
    """
    return NetworkPolicy.of_options(config.get)
