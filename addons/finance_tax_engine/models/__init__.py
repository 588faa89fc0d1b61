from . import finance_audit_entry
from . import (
    finance_finding,
    finance_tax_engine,
    finance_tax_amounts,
    finance_tax_determination,
    finance_tax_service,
    finance_tax_remediation,
    finance_posting,
    finance_overview,
    account_tax,
    account_move,
    account_move_line,
    res_company,
    res_config_settings,
)
