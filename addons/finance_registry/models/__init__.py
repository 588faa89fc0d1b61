from . import finance_connection
from . import finance_adapter_registry
from . import finance_finding
from . import finance_query_result
from . import finance_registry_check
from . import res_company
from . import res_config_settings
from . import res_partner
