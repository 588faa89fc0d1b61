from . import test_callback
from . import test_exactly_once
from . import test_migration
from . import test_submission
