"""From the HTML of a mail to plain text: lines, with `>` before what the markup says is quoted.

Knows the marks by which mail programs tell quotations and signatures, and nothing else of mails. `html.parser` is not
used: before Python 3.11.14 it takes minutes for 64 KB of brackets that nobody closes.
"""

import re
from collections import Counter
from html import unescape

LONGEST = 1 << 18  # characters that are read
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track"})
_UNSAID = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "select", "textarea"})
_BLOCKS = frozenset({"p", "div", "tr", "li", "ul", "ol", "dl", "dt", "dd", "table", "pre", "hr", "center", "address"})
_BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "header", "footer", "blockquote"}
# What Gmail, Thunderbird, Yahoo, Outlook, ProtonMail, Zoho, Apple, QQ and NetEase write around what they quote.
_QUOTES = re.compile(
    r"gmail_quote|gmail_attr|gmail_extra|yahoo_quoted|moz-cite-prefix|moz-forward-container|protonmail_quote"
    r"|zmail_extra|divRplyFwdMsg|appendonsend|OutlookMessageHeader|isReplyContent|qm_quote|ntes_quote|freehtmlquote"
    r"|replyforward|stopSpelling|mail-quote-collapse",
    re.IGNORECASE,
)
_SIGNATURES = re.compile(
    r"gmail_signature|moz-signature|protonmail_signature|AppleMailSignature|ms-outlook-mobile-signature"
    r"|\bSignature\b|x_signature|mobile-?signature",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"divRplyFwdMsg|appendonsend|OutlookMessageHeader|stopSpelling", re.IGNORECASE
)  # all that follows is quoted
_SPACES = re.compile(r"[ \t\n\r\f]+")


_TAG = re.compile(
    r"<(/?)([A-Za-z][\w:-]{0,30}+)((?:[^<>\"']|\"[^\"]{0,4000}+\"|'[^']{0,4000}+')*+)>|<[!?][^<>]*+>", re.ASCII
)
_ATTRIBUTE = re.compile(r"\b(class|id|style)\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)


class _Lines:
    """Gathers lines. What each open element does stands beside its tag: quote, leave unsaid, keep spaces."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._line: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._tags: Counter[str] = Counter()
        self._effects: Counter[str] = Counter()

    def begin(self, tag: str, attributes: str) -> None:
        if tag == "body":
            self.end("head")  # which many forget to close
        if tag == "br" or tag in _BLOCKS:
            self.end_line()
        effect = _effect(tag, attributes)
        if effect in ("quote", "rest"):
            self.end_line()
        if tag not in _VOID:
            self._open.append((tag, effect))
            self._tags[tag] += 1
        if effect == "rest" or tag not in _VOID:
            self._effects["quote" if effect == "rest" else effect] += 1

    def end(self, tag: str) -> None:
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
        if tag in ("td", "th"):
            self._line.append(" ")

    def say(self, text: str) -> None:
        if self._effects["unsaid"] or not text:
            return
        try:
            text = unescape(text)
        except ValueError:  # a character's number of thousands of digits
            return
        if not self._effects["spaces"]:
            self._line.append(_SPACES.sub(" ", text))
            return
        *whole, last = text.split("\n")
        for line in whole:
            self._line.append(line)
            self.end_line()
        self._line.append(last)

    def end_line(self) -> None:
        line = "".join(self._line).strip(" ")
        self._line = []
        self.lines.append(f"> {line}" if self._effects["quote"] else line)


def _effect(tag: str, attributes: str) -> str:
    if tag in _UNSAID:
        return "unsaid"
    if tag == "blockquote":
        return "quote"
    told = {match[1].lower(): match[2] or match[3] or match[4] or "" for match in _ATTRIBUTE.finditer(attributes)}
    names = f"{told.get('class', '')} {told.get('id', '')}"
    if _AFTER.search(names):
        return "rest"
    if _QUOTES.search(names):
        return "quote"
    if _SIGNATURES.search(names) or "display:none" in told.get("style", "").replace(" ", "").lower():
        return "unsaid"
    return "spaces" if tag == "pre" else ""


def text_of_html(html: str) -> str:
    """Return the text of a mail's HTML, of which the first LONGEST characters are read."""
    said, *commented = html[:LONGEST].split("<!--")
    html = said + "".join(part.partition("-->")[2] for part in commented)
    lines = _Lines()
    place = 0
    for tag in _TAG.finditer(html):
        lines.say(html[place : tag.start()])
        place = tag.end()
        if tag[2] and tag[1]:
            lines.end(tag[2].lower())
        elif tag[2]:
            lines.begin(tag[2].lower(), tag[3])
    lines.say(html[place:])
    lines.end_line()
    return "\n".join(lines.lines)
