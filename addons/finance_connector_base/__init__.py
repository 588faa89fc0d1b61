from . import models
from . import wizards
from . import controllers

import logging

from .core.security.masking import AddressFilter, StatementFilter

# A refused statement is logged by Odoo itself, with its values.
logging.getLogger("odoo.sql_db").addFilter(StatementFilter())
# The access log holds every path; that of a webhook holds a token.
logging.getLogger("werkzeug").addFilter(AddressFilter())
