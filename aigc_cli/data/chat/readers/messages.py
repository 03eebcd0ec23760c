"""Read OpenAI's `messages`, as JSON or JSON lines."""

from aigc_cli.data.chat.readers.roles import reader_for

READER = reader_for("messages", "OpenAI messages JSON and JSONL")
