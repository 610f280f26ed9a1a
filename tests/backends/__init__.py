import pytest

pytest.register_assert_rewrite("tests.backends.contract", "tests.backends.trials")
