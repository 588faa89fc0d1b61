from . import test_webhook
from . import test_exactly_once
from . import test_migration
from . import test_submission
from . import test_guard_held
from . import test_guard_peppol
from . import test_guard_posting
from . import test_inbound
