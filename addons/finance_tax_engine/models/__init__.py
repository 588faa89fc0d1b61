from . import finance_audit_entry
from . import (
    finance_tax_rulebook_mixin,
    finance_tax_jurisdiction,
    finance_tax_category,
    finance_tax_rule,
    finance_tax_registration,
    finance_tax_engine,
    finance_tax_engine_embedded,
    finance_tax_amounts,
    finance_tax_determination,
    finance_tax_fallback,
    finance_tax_remediation,
    account_tax,
    account_move,
    account_move_line,
    product,
    res_company,
    res_config_settings,
)
from . import finance_posting
