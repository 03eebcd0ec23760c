"""Names as people see them: one person's name spelt in several ways is one name.

Letters composed or decomposed, marks that nobody sees, and kinds of spaces make no difference to the eye, and none
here. Knows nothing of logs or settings.
"""

import re
import unicodedata
from itertools import pairwise

# Characters without a shape of their own beside category Cf: fillers, the joiner of graphemes, variation selectors.
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
_INVISIBLE = re.compile(f"[{_BLANK}]")
_JOINER = "\u200d"


def seen(name: str) -> str:
    """Return a name as it is seen: composed, without invisible marks, its spaces plain and single; may be empty.

    The joiner inside an emoji stays, since it makes another picture of two.
    """
    composed = unicodedata.normalize("NFC", _INVISIBLE.sub("", name))
    kept = [
        character
        for character, following in pairwise([*composed, ""])
        if _has_shape(character) or (character == _JOINER and following and unicodedata.category(following) == "So")
    ]
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def _has_shape(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf") or character.isspace()


def alike(name: str) -> str:
    """Return what names share that differ in case or width only, as they are typed in haste."""
    return seen(unicodedata.normalize("NFKC", seen(name)).casefold())
