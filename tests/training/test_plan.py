"""What the loop is told before it begins."""

import pytest

from aigc_cli.core.errors import UsageProblem
from aigc_cli.training.plan import Plan


def test_plan_wants_one_length():
    with pytest.raises(UsageProblem):
        Plan(steps=None, minutes=None)
    with pytest.raises(UsageProblem):
        Plan(steps=1, minutes=1.0)
