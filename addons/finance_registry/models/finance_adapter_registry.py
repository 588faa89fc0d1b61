"""The adapters of VIES and HMRC: queries only."""

from pathlib import Path
from types import MappingProxyType

from odoo import models
from odoo.addons.finance_connector_base.core.credentials import Credential
from odoo.addons.finance_connector_base.core.protocol import Query
from odoo.tools.translate import LazyTranslate

from ..core import hmrc, vies
from .finance_connection import SECRET

_lt = LazyTranslate(__name__)
#: The description the service publishes today; its messages are those of ``checkVatService`` with
#: qualified elements.
_WSDL = (Path(__file__).parents[1] / "data" / "checkVatTestService.wsdl").read_bytes()


class FinanceAdapterVies(models.AbstractModel):
    _name = "finance.adapter.vies"
    _description = "VIES"
    _inherit = "finance.adapter"

    _api_version = "VIES checkVatService"
    _hosts = MappingProxyType({"test": ("ec.europa.eu",), "production": ("ec.europa.eu",)})
    _queries = (Query(vies.CHECK),)

    def _operation_labels(self):
        return {**super()._operation_labels(), vies.CHECK: self.env._("VAT number check")}

    def _protocol(self, connection, secrets):
        return vies.Vies(connection.base_url, _WSDL)

    def _missing_settings(self, connection):
        missing = [] if connection.base_url else [self.env._("Address")]
        return missing + super()._missing_settings(connection)


class FinanceAdapterHmrc(models.AbstractModel):
    _name = "finance.adapter.hmrc"
    _description = "HMRC Check a UK VAT number"
    _inherit = "finance.adapter"

    _api_version = f"HMRC Check a UK VAT number {hmrc.VERSION}"
    _hosts = MappingProxyType(
        {"test": ("test-api.service.hmrc.gov.uk",), "production": ("api.service.hmrc.gov.uk",)}
    )
    _credentials = (Credential(SECRET, _lt("HMRC client secret"), field="hmrc_client_secret"),)
    _queries = (Query(hmrc.CHECK),)

    def _operation_labels(self):
        return {**super()._operation_labels(), hmrc.CHECK: self.env._("VAT number check")}

    def _protocol(self, connection, secrets):
        return hmrc.Hmrc(
            connection.base_url, connection.hmrc_client_id or "", secrets.get(SECRET, "")
        )

    def _missing_settings(self, connection):
        filled = {
            self.env._("Address"): connection.base_url,
            self.env._("HMRC client ID"): connection.hmrc_client_id,
        }
        missing = [label for label, value in filled.items() if not value]
        return missing + super()._missing_settings(connection)
