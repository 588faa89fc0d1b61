from . import test_t7_reasons, test_rule_book, test_try_wizard
