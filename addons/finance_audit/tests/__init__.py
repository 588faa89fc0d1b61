from . import test_access
from . import test_append_only
from . import test_circumstances
from . import test_entry
from . import test_protection
from . import test_timeline
from . import test_tracked
from . import test_views
