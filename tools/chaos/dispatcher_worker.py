"""What a dispatcher's process does: the scheduled action again and again, as Odoo's cron workers run it."""

import logging
import time

import psycopg2
from odoo import SUPERUSER_ID, api

_logger = logging.getLogger(__name__)
_PAUSE = 0.2
_AFTER_LOSS = 0.5


def live(line, injector) -> None:
    """Until killed. A lost database is no reason to end: Odoo's workers go on as well."""
    while True:
        try:
            line.registry.check_signaling()
            with line.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["finance.dispatcher"]._cron_dispatch(cron_number=line.line.cron_number)
            time.sleep(_PAUSE)
        except psycopg2.Error as error:
            line.journal.note("lost the database", who=line.line.who)
            _logger.warning("%s lost the database: %s", line.line.who, error)
            time.sleep(_AFTER_LOSS)
