"""Read ShareGPT's `conversations`, as JSON or JSON lines."""

from aigc_cli.data.chat.readers.roles import reader_for

READER = reader_for("sharegpt", "ShareGPT JSON and JSONL")
