from . import test_life_cycle
from . import test_shown
