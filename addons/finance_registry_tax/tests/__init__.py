from . import test_verified_number
