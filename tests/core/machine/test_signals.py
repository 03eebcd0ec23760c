import os
import signal
import subprocess
import sys

import pytest

from aigc_cli.core.errors import Interrupted
from aigc_cli.core.machine.signals import StopFlag


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_is_a_flag(signum, status):
    before = signal.getsignal(signum)
    with StopFlag() as flag:
        flag.raise_if_requested("nothing")
        assert not flag.requested
        os.kill(os.getpid(), signum)
        assert flag.requested
        with pytest.raises(Interrupted, match=f"stopped by {signum.name}; all saved") as caught:
            flag.raise_if_requested("all saved")
    assert caught.value.exit_code == status
    assert signal.getsignal(signum) is before


def test_the_second_signal_ends_the_process_at_once():
    code = (
        "import os, signal\n"
        "from aigc_cli.core.machine.signals import StopFlag\n"
        "with StopFlag() as flag:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print(flag.requested, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('never', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "True\n")
