from . import test_life_cycle
from . import test_shown
from . import test_overview
from . import test_mapping
from . import test_route
from . import test_senders
