"""Bind stored secrets to connection, company and addresses.

At the end of the upgrade: the fields of addresses that a provider's addon adds are part of what a secret is bound to.
"""

import logging

from odoo import SUPERUSER_ID, api
from odoo.addons.finance_audit.core.keyring import KeyRingError
from odoo.addons.finance_connector_base import secret_store

_logger = logging.getLogger(__name__)


def migrate(cr, version):  # noqa: ARG001 - the signature Odoo calls
    """Encrypt again what this server can read; the rest must be entered again or is done by the command."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    try:
        done, failed = secret_store.reencrypt(env)
    except KeyRingError as error:
        _logger.warning("secrets were not re-encrypted: %s; run odoo-bin finance_keys", error)
        return
    _logger.info("re-encrypted %s secrets, %s cannot be read", done, len(failed))
