from . import test_case
from . import test_case_decision
from . import test_case_security
from . import test_connection
from . import test_credential
from . import test_exchange_outbox
from . import test_security
