from . import account_move
from . import finance_audit_entry
from . import finance_finding
from . import finance_posting
from . import res_company
from . import res_config_settings
