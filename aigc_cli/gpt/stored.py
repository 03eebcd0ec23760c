"""The model that a checkpoint of a text run holds, made whole: the trained weights, with LoRA merged over the base.

A run's root always has the best weights; this is for the others. Knows nothing of decoding or commands.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aigc_cli.core.disk.rundir import RunDir, read_run
from aigc_cli.core.disk.snapshots import load_snapshot
from aigc_cli.core.errors import AigcError, BadData, NoInput
from aigc_cli.core.words.messages import tr
from aigc_cli.data.tokenizer import load_tokenizer
from aigc_cli.gpt.bases.hf import config_from_json, read_model
from aigc_cli.gpt.decoding.decode import TextModel
from aigc_cli.gpt.lora import add_lora, merged_weights
from aigc_cli.gpt.model import GptModel
from aigc_cli.gpt.trainer import folder_hash, model_folder


def load_checkpoint(run: Path, step: int, device: torch.device | str = "cpu") -> TextModel:
    """Return the model in the checkpoint of a step.

    Raises NoInput where the run has no tokenizer yet or the base model is gone, BadData where the base is another one
    now or the checkpoint does not fit the run.
    """
    record = read_run(run, "text")
    if not (run / "config.json").is_file():
        raise NoInput(tr("{run}: no weights yet", run=run), tr("train on: the first evaluation writes them"))
    tensors, state = load_snapshot(RunDir(run), step)
    trained = {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
    settings = record["settings"]
    weights = trained
    if settings.get("init") and settings.get("finetune") == "lora":
        weights = _merged(run, trained, settings, state.get("trainer", {}))
    with torch.device("meta"):
        model = GptModel(config_from_json(run / "config.json"))
    try:
        model.load_state_dict({name: value.float() for name, value in weights.items()}, assign=True)
    except RuntimeError as error:
        raise _misfit(run, step) from error
    return TextModel(model.to(device).eval().requires_grad_(False), load_tokenizer(run))


def _misfit(run: Path, step: int) -> BadData:
    path = RunDir(run).checkpoint(step)
    return BadData(tr("{path}: does not fit the run's config.json", path=path), tr("sample --checkpoint best"))


def _merged(
    run: Path, trained: dict[str, Tensor], settings: dict[str, Any], identity: dict[str, Any]
) -> dict[str, Tensor]:
    """Return the base model's weights with the corrections of a checkpoint added."""
    try:
        folder = model_folder(settings["init"])
    except AigcError as error:
        raise type(error)(
            tr("{run}: its checkpoints need the base model: {error}", run=run, error=error.message), error.remedy
        ) from error
    if folder_hash(folder) != identity.get("base_model_sha256"):
        raise BadData(
            tr("{folder}: not the base model that {run} began with", folder=folder, run=run),
            tr("restore it, or sample --checkpoint best"),
        )
    model = read_model(folder)
    base = {name: value.detach() for name, value in model.named_parameters()}
    layers = settings["lora_layers"]
    first_block = max(0, model.config.layers - layers) if layers else 0
    add_lora(
        model,
        rank=settings["lora_rank"],
        alpha=settings["lora_alpha"],
        first_block=first_block,
        generator=torch.Generator(),
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(trained[name])
    return merged_weights(model, base)
