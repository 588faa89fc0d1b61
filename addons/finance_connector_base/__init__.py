from . import models
from . import wizards
from . import controllers

import logging

from .core.security.masking import StatementFilter

# A refused statement is logged by Odoo itself, with its values.
logging.getLogger("odoo.sql_db").addFilter(StatementFilter())
