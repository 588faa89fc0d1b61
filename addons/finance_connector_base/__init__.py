from . import models
from . import wizards
from . import controllers

import logging

from .core.security.masking import AddressFilter, MaskingFilter, StatementFilter, TracebackFilter

# A refused statement is logged by Odoo itself, with its values.
logging.getLogger("odoo.sql_db").addFilter(StatementFilter())
# The access log holds every path; that of a webhook holds a token.
logging.getLogger("werkzeug").addFilter(AddressFilter())
# Requests and jobs that fail are logged by Odoo, with the text of the exception.
for name in ("odoo.http", "odoo.addons.base.models.ir_cron", "odoo.addons.rpc.controllers.jsonrpc"):
    logging.getLogger(name).addFilter(TracebackFilter())
# The audit addon, which this one rests upon, has no masking of its own.
for name in ("anchor_target", "protection", "sealer", "verification"):
    logger = f"odoo.addons.finance_audit.models.finance_audit_{name}"
    logging.getLogger(logger).addFilter(MaskingFilter())
logging.getLogger("odoo.addons.finance_audit.server_keys").addFilter(MaskingFilter())
