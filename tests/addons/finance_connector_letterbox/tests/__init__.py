from . import test_letterbox
