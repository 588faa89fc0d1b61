from . import test_guard_held
from . import test_guard_posting
