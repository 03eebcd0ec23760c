import re

import pytest

from aigc_cli.core.screen.progress import BarProgress, LineProgress, SilentProgress

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d "


def work(progress):
    progress.stage("reading", 4, "files")
    progress.advance(1, "one")
    progress.say("found [/b] something")
    progress.advance(3)
    progress.close()


def test_lines_say_what_is_done_and_what_is_left(capsys):
    work(LineProgress(every_seconds=0))
    out, err = capsys.readouterr()
    first, second, third = err.splitlines()
    assert out == ""
    assert re.fullmatch(STAMP + r"reading: 1/4 files 0:00 left 0:00 elapsed \| one", first)
    assert re.fullmatch(STAMP + r"found \[/b\] something", second)
    assert re.fullmatch(STAMP + r"reading: 4/4 files 0:00 elapsed \| one", third)


def test_lines_are_few(capsys):
    progress = LineProgress(every_seconds=1000)
    progress.stage("reading", 1000)
    for _ in range(1000):
        progress.advance()
    progress.stage("writing", None, "files")
    progress.advance(3)
    progress.close()
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(STAMP, "", line) for line in lines] == [
        "reading: 1000/1000 0:00 elapsed",
        "writing: 3 files 0:00 elapsed",
    ]


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (59.4, "0:59"), (61, "1:01"), (3599.6, "1:00:00")])
def test_the_time_left_is_the_time_so_far_in_proportion(seconds, shown, capsys, monkeypatch):
    now = iter([0.0, seconds, seconds, seconds])
    monkeypatch.setattr("aigc_cli.core.screen.progress.time.monotonic", lambda: next(now))
    progress = LineProgress(every_seconds=0)
    progress.stage("reading", 2)
    progress.advance()
    assert f"1/2 {shown} left {shown} elapsed" in capsys.readouterr().err


def test_what_was_there_before_counts_as_done_and_tells_no_speed(capsys, monkeypatch):
    now = iter([0.0, 10.0, 10.0, 10.0])
    monkeypatch.setattr("aigc_cli.core.screen.progress.time.monotonic", lambda: next(now))
    progress = LineProgress(every_seconds=0)
    progress.stage("training", 100, "steps", 50)
    progress.advance(10)
    assert "60/100 steps 0:40 left 0:10 elapsed" in capsys.readouterr().err
    bar = BarProgress()
    bar.stage("training", 4, "steps", 3)
    bar.close()
    assert "3/4" in capsys.readouterr().err


def test_bars_go_to_stderr_and_take_no_markup(capsys):
    work(BarProgress())
    out, err = capsys.readouterr()
    assert out == ""
    assert "found [/b] something" in err
    assert "4/4" in err


def test_only_a_bar_draws_the_curve_small_before_its_note(capsys):
    shown = {}
    for progress in (BarProgress(), LineProgress(every_seconds=0)):
        progress.stage("training", 4, "steps")
        progress.advance(1, "loss 1.0", [8.0, 4.0, 1.0])
        progress.close()
        shown[type(progress)] = capsys.readouterr().err
    assert "█▄▁ loss 1.0" in shown[BarProgress]
    assert "| loss 1.0" in shown[LineProgress] and "█" not in shown[LineProgress]


def test_silence(capsys):
    work(SilentProgress())
    assert capsys.readouterr() == ("", "")
