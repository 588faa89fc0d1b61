from . import finance_case_decision
from . import finance_credential_entry
from . import finance_posting_result
from . import finance_mapping_gap
