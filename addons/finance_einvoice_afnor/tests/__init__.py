from . import test_webhook
from . import test_exactly_once
from . import test_precheck
from . import test_rendering
from . import test_rendering_taxes
from . import test_submission
