from . import finance_audit_export
