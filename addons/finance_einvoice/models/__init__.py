from . import finance_audit_entry
from . import finance_einvoice_regime
from . import finance_einvoice
from . import finance_einvoice_version
from . import finance_einvoice_submission
from . import account_move
from . import res_company
from . import res_config_settings
