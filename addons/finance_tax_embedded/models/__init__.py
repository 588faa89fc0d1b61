from . import (
    finance_tax_rulebook_mixin,
    finance_tax_jurisdiction,
    finance_tax_category,
    finance_tax_rule,
    finance_tax_registration,
    finance_tax_engine_embedded,
    finance_tax_service,
    finance_finding,
    product,
    account_move_line,
    res_company,
    res_config_settings,
)
