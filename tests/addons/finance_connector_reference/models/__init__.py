from . import finance_connection
from . import finance_adapter_reference
from . import finance_reference_chain
from . import finance_reference_document
from . import finance_reference_received
