from . import finance_audit_erase
from . import finance_audit_export
