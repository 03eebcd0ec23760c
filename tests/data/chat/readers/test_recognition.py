"""Exports are told apart by looking, whatever they are called, and each format's are read as what they are."""

import pytest

from aigc_cli.config.prepare_chat import CHAT_FORMATS
from aigc_cli.data.chat.detect import open_log
from aigc_cli.data.chat.exports import head_of
from aigc_cli.data.chat.reader import ReadOptions
from aigc_cli.data.chat.readers import reader_of, readers
from tests.data.chat.readers.driving import export_of
from tests.data.chat.readers.samples import each, samples

EXPORTS = [
    pytest.param(name, files, id=f"{name}-{next(iter(files))}-{place}") for place, (name, files) in enumerate(each())
]
TOLD = {"columns"}  # recognised by nothing but what the user says


def test_there_is_an_export_of_each_format():
    assert samples().keys() == set(CHAT_FORMATS) - {"auto"}


@pytest.mark.parametrize(("name", "files"), [export for export in EXPORTS if export.values[0] not in TOLD])
def test_an_export_is_known_by_looking(name, files):
    log, messages = open_log(export_of(files), "auto", ReadOptions())
    assert log.format == name
    assert any(message.text for message in messages)
    assert reader_of(name).title


@pytest.mark.parametrize("name", [name for name in samples() if name not in TOLD])
def test_it_is_known_before_more_general_formats_are_asked(name):
    order = [other for other, _ in readers()]
    for files in samples()[name]:
        head = head_of(export_of(files))
        takers = [other for other in order if reader_of(other).looks(head)]
        assert takers[0] == name


def test_a_time_that_no_calendar_has_is_none():
    text = "Date,Author,Content\n9e20,Ann,hi\n1700000000,Bea,ho\n"
    columns = {"time": "Date", "sender": "Author", "text": "Content"}
    _, messages = open_log(export_of(text), "columns", ReadOptions(is_told=True, columns=columns))
    times = [message.time for message in messages]
    assert times[-1] == 1700000000 and all(time is None or time < 2.5e11 for time in times)
