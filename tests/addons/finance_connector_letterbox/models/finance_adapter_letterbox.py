"""From a connection to the protocol of the Letterbox."""

from odoo import fields, models
from odoo.addons.finance_connector_base.core.credentials import Credential
from odoo.addons.finance_connector_base.core.protocol import Batch, Feed, Operation, Query
from odoo.tools.translate import LazyTranslate

from ..core.letterbox import Letterbox

_lt = LazyTranslate(__name__)
API_KEY = "api_key"


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    provider = fields.Selection(
        selection_add=[("letterbox", "Letterbox")],
        ondelete={"letterbox": lambda connections: None},
    )


class FinanceAdapterLetterbox(models.AbstractModel):
    _name = "finance.adapter.letterbox"
    _description = "Letterbox"
    _inherit = "finance.adapter"

    _api_version = "Letterbox 1"
    _operations = (Operation("letter", repeat="lookup", batch=Batch(max_items=10)),)
    _feeds = (Feed("statuses", every_seconds=10.0),)
    _queries = (Query("number"),)
    _credentials = (Credential(API_KEY, _lt("API key")),)

    def _protocol(self, connection, secrets):
        return Letterbox(connection.base_url, secrets.get(API_KEY, ""))
