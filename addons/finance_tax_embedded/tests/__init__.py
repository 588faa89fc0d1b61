from . import test_languages, test_rule_book, test_t7_reasons, test_try_wizard
