from . import finance_case_decision
