"""What a dispatcher's process does: the scheduled action again and again, as Odoo's cron workers run it."""

import logging
import time

import psycopg2
from odoo import SUPERUSER_ID, api

_logger = logging.getLogger(__name__)
_PAUSE = 0.2
_AFTER_LOSS = 0.5


def live(nursery, doom) -> None:
    """Until killed. A lost database is no reason to end: Odoo's workers go on as well."""
    while True:
        try:
            nursery.registry.check_signaling()
            with nursery.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["finance.dispatcher"]._cron_dispatch(lane=nursery.chosen.lane)
            time.sleep(_PAUSE)
        except psycopg2.Error as error:
            nursery.journal.note("lost the database", who=nursery.chosen.who)
            _logger.warning("%s lost the database: %s", nursery.chosen.who, error)
            time.sleep(_AFTER_LOSS)
