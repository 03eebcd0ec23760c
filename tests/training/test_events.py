import json

import pytest

from aigc_cli.training.events import EventLog
from aigc_cli.training.metrics import MetricsLog


@pytest.mark.filterwarnings("ignore")  # of tensorboard's own
def test_tensorboard_reads_what_metrics_jsonl_says_and_not_what_a_resume_took_back(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logs = [MetricsLog(tmp_path / "metrics.jsonl"), EventLog(tmp_path / "tensorboard")]
    for first, last, back in ((10, 40, 20), (30, 60, 50), (60, 60, 60)):  # back to `back` after each stretch
        for step in range(first, last + 10, 10):
            for log in logs:
                log.append({"step": step, "loss": 0.5 / step + first})
        for log in logs:
            log.cut_after(back)
    for log in logs:
        log.close()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 20, 30, 40, 50, 60]
    read = EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("loss")] == [
        (line["step"], pytest.approx(line["loss"])) for line in lines
    ]
