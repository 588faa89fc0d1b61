from . import finance_audit_entry
from . import finance_audit_entry_record
from . import finance_audit_protection
from . import finance_audit_sealer
from . import finance_audit_timeline_mixin
from . import finance_audit_tracked_mixin
