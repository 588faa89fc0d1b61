from . import finance_connection
from . import finance_adapter_afnor
from . import finance_finding
