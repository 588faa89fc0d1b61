from . import test_guard_held
from . import test_guard_peppol
from . import test_guard_posting
