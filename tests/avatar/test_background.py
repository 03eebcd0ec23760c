import threading

import pytest

from aigc_cli.avatar.background import Background
from aigc_cli.core.errors import NoInput


def test_it_works_while_the_caller_goes_on():
    gate, here = threading.Event(), threading.get_ident()

    def build():
        gate.wait(10)
        return threading.get_ident()

    loading = Background(build)
    assert not loading.finished
    gate.set()
    assert loading.result() != here
    assert loading.finished


def test_the_error_reaches_whoever_asks_for_the_result():
    def build():
        raise NoInput("no such run")

    loading = Background(build)
    for _ in range(2):
        with pytest.raises(NoInput, match="no such run"):
            loading.result()


def test_listeners_are_called_once_whether_they_come_early_or_late():
    gate, calls = threading.Event(), []
    loading = Background(lambda: gate.wait(10))
    loading.when_finished(lambda: calls.append("early"))
    assert calls == []
    gate.set()
    loading.result()
    loading.when_finished(lambda: calls.append("late"))
    assert calls == ["early", "late"]
