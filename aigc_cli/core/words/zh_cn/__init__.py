"""Everything that is said to people, in Simplified Chinese: a catalogue a package, named as the package is.

A text that several packages say stands in the catalogue of the lowest of them.
"""

from aigc_cli.core.words.zh_cn import avatar, commands, config, core, data, evaluation, gan, gpt, measure, training

CATALOGUES = {
    "avatar": avatar.CHINESE,
    "commands": commands.CHINESE,
    "config": config.CHINESE,
    "core": core.CHINESE,
    "data": data.CHINESE,
    "evaluation": evaluation.CHINESE,
    "gan": gan.CHINESE,
    "gpt": gpt.CHINESE,
    "measure": measure.CHINESE,
    "training": training.CHINESE,
}
CHINESE: dict[str, str] = {text: said for catalogue in CATALOGUES.values() for text, said in catalogue.items()}
