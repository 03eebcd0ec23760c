"""From HTML and XHTML to plain text: a line for each block, without what nobody reads: scripts, styles, menus.

Time grows with the length alone, whatever the markup. `html.parser` is not used: before Python 3.11.14 it takes minutes
for 64 KB of brackets that nobody closes. Knows nothing of files or encodings.
"""

import re
from collections import Counter
from collections.abc import Callable
from html import unescape

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
UNSAID = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "select", "textarea"})
_BLOCKS = frozenset({"p", "div", "tr", "li", "ul", "ol", "dl", "dt", "dd", "table", "pre", "hr", "center", "address"})
_BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "blockquote"}
_BLOCKS |= {"main", "aside", "nav", "figure", "figcaption", "details", "summary"}
# Of pages and books: menus, drawings, and the readings beside characters, which would stand twice.
_UNSAID_OF_PAGES = UNSAID | {"nav", "svg", "math", "iframe", "audio", "video", "button", "rt", "rp"}
_RAW = {tag: re.compile(f"</{tag}", re.IGNORECASE) for tag in ("script", "style")}  # no markup within
_SPACES = re.compile(r"[ \t\n\r\f]+")
_GAPS = re.compile(r"\n{3,}")
# Takes linear time although each `<` may begin a tag that is not closed: the quotes between two `<` permute the states
# "in none", "in single" and "in double quotes", and a try ends at a `<` in none, so at most three tries pass a place.
_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]{0,30}+)((?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>|<[!?][^<>]*+>", re.ASCII)


class Lines:
    """Gathers lines. What each open element does stands beside its tag: quote, leave unsaid, keep spaces.

    `effect` tells it by a tag and its attributes: "quote", "unsaid", "spaces", "rest" (all that follows is quoted), "".
    """

    def __init__(self, effect: Callable[[str, str], str]) -> None:
        self.lines: list[str] = []
        self._effect = effect
        self._line: list[str] = []
        self._as_typed = False
        self._open: list[tuple[str, str]] = []
        self._tags: Counter[str] = Counter()
        self._effects: Counter[str] = Counter()

    def begin(self, tag: str, attributes: str) -> None:
        """Open an element."""
        if tag == "body":
            self.end("head")  # which many forget to close
        elif tag == "p" and self._open and self._open[-1][0] == "p":
            self.end("p")
        if tag == "br" or tag in _BLOCKS:
            self.end_line()
        self._part(tag)
        effect = self._effect(tag, attributes)
        if effect in ("quote", "rest"):
            self.end_line()
        if tag not in VOID:
            self._open.append((tag, effect))
            self._tags[tag] += 1
        if effect == "rest" or tag not in VOID:
            self._effects["quote" if effect == "rest" else effect] += 1

    def end(self, tag: str) -> None:
        """Close an element, and those within it that nobody closed."""
        if not self._tags[tag]:
            return
        closed = ""
        while closed != tag:
            closed, effect = self._open.pop()
            self._tags[closed] -= 1
            if effect == "quote":
                self.end_line()
            if effect != "rest":
                self._effects[effect] -= 1
        if tag in _BLOCKS:
            self.end_line()
        self._part(tag)

    def _part(self, tag: str) -> None:
        """Keep cells apart."""
        if tag in ("td", "th"):
            self.say(" ")

    def say(self, text: str) -> None:
        """Take a text, its entities undecoded."""
        if self._effects["unsaid"] or not text:
            return
        try:
            text = unescape(text)
        except ValueError:  # a character's number of thousands of digits
            return
        if not self._effects["spaces"]:
            text = _SPACES.sub(" ", text)
            after_space = bool(self._line) and self._line[-1].endswith(" ")
            self._line.append(text[1:] if after_space and text.startswith(" ") else text)
            return
        for number, line in enumerate(text.split("\n")):
            if number:
                self.end_line()
            self._line.append(line)
            self._as_typed = True

    def end_line(self) -> None:
        """End the line."""
        line = "".join(self._line)
        line = line.rstrip(" ") if self._as_typed else line.strip(" ")
        self._line, self._as_typed = [], False
        self.lines.append(f"> {line}" if self._effects["quote"] else line)


def read_html(html: str, lines: Lines) -> None:
    """Hand the tags and texts of HTML to `lines`."""
    said, *commented = html.split("<!--")
    html = said + "".join(part.partition("-->")[2] for part in commented)
    place = 0
    while tag := _TAG.search(html, place):
        lines.say(html[place : tag.start()])
        place = tag.end()
        name = (tag[2] or "").lower()
        if tag[1]:
            lines.end(name)
        elif name:
            lines.begin(name, tag[3])
            if tag[3].endswith("/"):
                lines.end(name)
            elif name in _RAW:
                closing = _RAW[name].search(html, place)
                place = closing.start() if closing else len(html)
    lines.say(html[place:])
    lines.end_line()


def _effect(tag: str, attributes: str) -> str:
    return "unsaid" if tag in _UNSAID_OF_PAGES else "spaces" if tag == "pre" else ""


def text_of_page(html: str) -> str:
    """Return the text of a page or of a chapter, with at most one empty line between others; "" if it has none."""
    lines = Lines(_effect)
    read_html(html, lines)
    text = _GAPS.sub("\n\n", "\n".join(lines.lines)).strip("\n")
    return f"{text}\n" if text else ""
