"""Everything that is said to people, in Simplified Chinese, by its English text."""

CHINESE: dict[str, str] = {}
