"""Small models with harsh weights, for the tests of this folder.

Default initialisations hide mistakes: a wrong rotation moves the scores of a fresh model by a millionth.
"""

import codecs

import torch

from aigc_cli.data.tokenizer import ChatTokenizer, train_bpe
from aigc_cli.gpt.model import GptModel, ModelConfig, RopeScaling

CORPUS = ["the cat sat on the mat, the cat ran; what did the cat do? it did 12 things. café 🚲\n"] * 3
LLAMA3 = RopeScaling(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_context=64)
KINDS = {
    "qwen3": {"qk_norm": True, "tied": False, "head_dim": 12},
    "qwen3-tied": {"qk_norm": True, "tied": True, "head_dim": 8},
    "qwen2": {"qk_norm": False, "qkv_bias": True, "tied": True, "head_dim": 8},
    "llama": {"qk_norm": False, "tied": True, "head_dim": 8},
    "llama3": {"qk_norm": False, "tied": False, "head_dim": 16, "rope_scaling": LLAMA3, "rope_theta": 500.0},
}


def tokenizer():
    made = train_bpe(CORPUS, 300)
    made.chat = True
    return made


def config(kind="qwen3", **changes):
    shape = {"vocab_size": 310, "width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "mlp_width": 48, "context": 256}
    return ModelConfig(**{**shape, "rope_theta": 77.0, "norm_eps": 1e-5, **KINDS[kind], **changes})


def harsh_model(kind="qwen3", seed=0, std=0.5, **changes):
    model = GptModel(config(kind, **changes)).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.copy_(1 + 0.3 * noise if parameter.dim() == 1 else std * noise)
    return model.eval()


def spelt(made: ChatTokenizer, tokens: list[int]) -> list[int]:
    """Return the tokens after which the text is still UTF-8 as far as it goes, by Python's own decoder.

    What ends a text has no bytes, and may follow whole characters only.
    """
    said = b"".join(map(made.token_bytes, tokens))

    def fits(piece):
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            decoder.decode(said + piece)
        except UnicodeDecodeError:
            return False
        return bool(piece) or not decoder.getstate()[0]

    return [token for token in range(made.size) if fits(made.token_bytes(token))]
