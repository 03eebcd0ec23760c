import unicodedata

import pytest

from aigc_cli.data.personal.shadow import origins, shadow_of


@pytest.mark.parametrize(
    ("text", "shadow"),
    [
        ("１２３，４５６", "123，456"),  # a comma between clauses does not join numbers
        ("٠١٢ ۳۴۵ ०९", "012 345 09"),
        ("٣٫١٤ ١٢٬٥٠٠", "3.14 12,500"),
        ("ﬁn\u200b℡①", "finTEL1"),
        ("8‑900—1ー2", "8-900-1-2"),
        ("ẞ Ä 가", "ẞ Ä 가"),
        ("1️⃣0️⃣❤️", "10❤"),
    ],
)
def test_one_spelling_for_alike_characters(text, shadow):
    assert shadow_of(text) == shadow


@pytest.mark.parametrize("text", ["\u200bﬁ", "a\u200eb\u200ec", "ﬁﬀ😀é", "plain", "１２３", "\u200b" * 3 + "㎏", "İ ẞ"])
@pytest.mark.parametrize("folded", [False, True])
def test_each_character_of_the_shadow_is_one_of_the_text_s(text, folded):
    shadow = shadow_of(text, folded=folded)
    origin = origins(text, folded=folded)
    assert len(origin) == len(shadow) + 1
    assert list(origin) == sorted(origin)
    assert origin[len(shadow)] == len(text)
    for place, character in enumerate(shadow):
        plain = unicodedata.normalize("NFKC", text[origin[place]])
        assert character in (plain.casefold() if folded else plain)


def test_folded_letters_are_alike():
    assert shadow_of("STRASSE Ελλάς", folded=True) == shadow_of("straße ΕΛΛΆΣ", folded=True)
