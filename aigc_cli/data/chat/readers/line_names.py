"""Find where names end in lines of words, `Ann Lee see you later`, from all the lines of a chat.

A name goes on with a word where that word follows nearly every time. Knows nothing of formats.
"""

from collections import Counter, defaultdict

_MANY, _MOST_HEADS, _WORDS = 50, 20_000, 5  # different words behind a name; beginnings held; words of a name
_RARE = 4  # lines for each word that a name may go on with


class Names:
    """Finds names at the beginning of lines of words."""

    def __init__(self) -> None:
        self.sure: set[str] = set()
        self._lines: Counter[str] = Counter()  # by what they begin with, where something follows
        self._following: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, rest: str) -> None:
        """Take up one more line."""
        words = rest.split(" ", _WORDS)
        for count in range(1, len(words)):
            head, word = " ".join(words[:count]), words[count]
            if head not in self._lines and len(self._lines) >= _MOST_HEADS:
                return
            self._lines[head] += 1
            following = self._following[head]
            if word in following or len(following) < _MANY:
                following[word] += 1
            if len(following) >= _MANY:
                return

    def divided(self, rest: str) -> tuple[str, str]:
        """Return (name, text) of a line; ("", rest) if nothing follows what would be the name."""
        for name in self.sure:
            if rest.startswith(name + " "):
                return name, rest[len(name) + 1 :]
        words = rest.split(" ", _WORDS)
        if len(words) < 2:
            return "", rest
        head = words[0]
        for word in words[1:-1]:
            following, longer = self._following[head], f"{head} {word}"
            is_name = len(following) * _RARE <= self._lines[head] and self._lines[longer] >= _RARE
            if not is_name or self._lines[longer] < following[word]:
                break
            head = longer
        return head, rest[len(head) + 1 :]

    def begins_often(self, rest: str) -> bool:
        """Return whether a line begins with a name that begins several."""
        return self._lines[self.divided(rest)[0]] >= _RARE
