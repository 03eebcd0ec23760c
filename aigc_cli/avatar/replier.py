"""A text run as the `Replier` of a conversation: ChatML in, a stream of text out."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from aigc_cli.avatar.conversation import Message
from aigc_cli.config.chat import ChatSettings

if TYPE_CHECKING:
    from aigc_cli.gpt.decoding.decode import TextModel


class TextReplier:
    """Answers with a text model, which `model()` returns once it is needed. `settings` may be changed at any time."""

    def __init__(self, model: "Callable[[], TextModel]", settings: ChatSettings) -> None:
        self._model = model
        self.settings = settings

    @property
    def prompt_tokens(self) -> int:
        """The model's context less the room for a reply, which is at most half of it."""
        return self._context - self._reply_tokens

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of the prompt that asks for a reply to the messages."""
        return len(self._prompt(messages))

    def stream(self, messages: Sequence[Message], seed: int) -> Iterator[str]:
        """Yield the reply in pieces; it ends with the model's end of turn, or with the room."""
        from aigc_cli.gpt.decoding.decode import GenerationSettings, stream

        settings = self.settings
        generation = GenerationSettings(
            max_new_tokens=self._reply_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            min_p=settings.min_p,
            repetition_penalty=settings.repetition_penalty,
        )
        yield from stream(self._model(), self._prompt(messages), generation, seed=seed)

    @property
    def _context(self) -> int:
        return self._model().context

    @property
    def _reply_tokens(self) -> int:
        return min(self.settings.max_new_tokens, self._context // 2)

    def _prompt(self, messages: Sequence[Message]) -> list[int]:
        from aigc_cli.data.dialogue import encode_prompt

        return encode_prompt(self._model().tokenizer, list(messages), max_tokens=1 << 40)
