import pytest

from aigc_cli.config.base import as_json, resolve
from aigc_cli.config.prepare_chat import PrepareChatSettings
from aigc_cli.config.prepare_text import PrepareTextSettings
from aigc_cli.core.errors import UsageProblem


@pytest.mark.parametrize(
    ("settings_type", "given", "option"),
    [
        (PrepareChatSettings, {"format": "whatsup"}, "--format"),
        (PrepareChatSettings, {"consent": "maybe"}, "--consent"),
        (PrepareChatSettings, {"merge_minutes": -1.0}, "--merge-minutes"),
        (PrepareChatSettings, {"max_turns": 1}, "--max-turns"),
        (PrepareChatSettings, {"max_characters": 10}, "--max-characters"),
        (PrepareChatSettings, {"valid": 0.6}, "--valid"),
        (PrepareTextSettings, {"valid": float("nan")}, "--valid"),
        (PrepareTextSettings, {"block_characters": 1}, "--block-characters"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(settings_type, given, option):
    with pytest.raises(UsageProblem, match=option):
        resolve(settings_type, given)


def test_defaults_are_the_rules_of_the_design():
    values = as_json(resolve(PrepareChatSettings, {}))
    assert (values["merge_minutes"], values["silence_minutes"], values["answer_hours"]) == (2, 60, 24)
    assert (values["keep_pii"], values["consent"], values["valid"]) == (False, "unspecified", 0.1)
    assert as_json(resolve(PrepareTextSettings, {}))["valid"] == 0.1
