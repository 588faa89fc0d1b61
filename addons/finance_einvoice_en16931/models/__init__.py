from . import finance_einvoice_rules_ubl
from . import finance_finding
