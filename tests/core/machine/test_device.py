import os

import pytest
import torch

from aigc_cli.core.errors import Unavailable
from aigc_cli.core.machine.device import choose_device, set_threads


def test_the_cpu_is_always_there_and_auto_takes_what_is():
    assert choose_device("cpu").type == "cpu"
    there = [name for name, found in (("cuda", torch.cuda.is_available()), ("mps", torch.mps.is_available())) if found]
    assert choose_device("auto").type == [*there, "cpu"][0]


def test_what_is_not_there_is_said():
    missing = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(Unavailable, match=f"--device {missing}: .* none") as caught:
        choose_device(missing)
    assert caught.value.exit_code == 69


def test_threads_are_as_asked_or_every_core():
    before = torch.get_num_threads()
    try:
        assert set_threads(1) == 1 == torch.get_num_threads()
        assert set_threads(None) == torch.get_num_threads() >= 1
        if hasattr(os, "sched_getaffinity"):
            assert torch.get_num_threads() == len(os.sched_getaffinity(0))
    finally:
        torch.set_num_threads(before)
