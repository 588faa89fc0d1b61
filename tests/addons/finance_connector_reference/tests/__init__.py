from . import test_access
from . import test_boundaries
from . import test_webhook
from . import test_document
from . import test_protocol
from . import test_engine_faults
from . import test_engine_limits
from . import test_engine_repeats
