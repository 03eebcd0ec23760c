"""From the HTML of a mail to plain text: lines, with `>` before what the markup says is quoted.

Knows the marks by which mail programs tell quotations and signatures, and nothing else of mails.
"""

import re

from aigc_cli.data.html_text import UNSAID, Lines, read_html

LONGEST = 1 << 18  # characters that are read
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
_ATTRIBUTE = re.compile(r"\b(class|id|style)\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)


def _effect(tag: str, attributes: str) -> str:
    if tag in UNSAID:
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
    lines = Lines(_effect)
    read_html(html[:LONGEST], lines)
    return "\n".join(lines.lines)
