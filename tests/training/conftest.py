"""A clock for the tests of the loop."""

import itertools
import time

import pytest


@pytest.fixture
def steady_clock(monkeypatch):
    """Every look at the clock takes a millisecond, so that all runs train at the same speed."""
    looks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: 0.001 * next(looks))
