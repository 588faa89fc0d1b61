from . import (
    test_t1_amounts,
    test_t2_taxes,
    test_t3_determination,
    test_t4_fallback,
    test_t6_reversal,
    test_t9_local_checks,
    test_overview,
    test_posting,
)
