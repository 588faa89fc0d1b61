from . import test_precheck
from . import test_rendering
from . import test_rendering_taxes
from . import test_units
