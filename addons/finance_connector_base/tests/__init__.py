from . import test_connection
from . import test_credential
from . import test_exchange_outbox
from . import test_security
