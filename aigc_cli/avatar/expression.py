"""Reads an expression from what was said: words, emoji and punctuation, each with a weight that one can look up.

No model: a table, and a rule of hysteresis that keeps the face from twitching. An expression is put on only by
evidence of at least ENTER that beats the present expression's by MARGIN; the present one stays on evidence of STAY;
else the face goes back to neutral. Knows nothing of pictures.
"""

import re
from dataclasses import dataclass

ENTER = 1.0
STAY = 0.5
MARGIN = 0.5

# What the label names of a set of faces may be called, by expression. The first of each is the expression's own name.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "smile": ("smile", "smiling", "happy", "happiness", "joy", "pleased", "content", "cute", "cheery"),
    "laugh": ("laugh", "laughing", "laughter", "grin", "biggrin", "lol", "teeth", "lilsmile", "openedsmile"),
    "sad": ("sad", "sadness", "frown", "cry", "crying", "unhappy", "missingtooth", "opensad"),
    "angry": ("angry", "anger", "mad", "furious", "annoyed", "grimace", "disgust"),
    "agape": ("agape", "surprise", "surprised", "shock", "shocked", "amazed", "astonished", "open", "gasp", "faceo"),
    "neutral": ("neutral", "calm", "serious", "default", "plain", "none", "straight"),
}

# (expression, weight, words). Words match whole, case-insensitively, after runs of three and more letters were
# shortened ("sooo" is "so"), and not after a negation ("not sad"). Multi-word phrases ignore negation ("no way").
_WORDS: tuple[tuple[str, float, str], ...] = (
    ("laugh", 1.0, r"(?:a?ha){2,}h?|ha ha|(?:he){2,}|ha|lo+l|lmao|rofl|hilarious|(?:crying|cried) laughing"),
    ("laugh", 0.6, "funny|laugh(?:ing|ed)?|joke|kidding"),
    ("smile", 1.0, "yay|happy|love|lovely|wonderful|glad|delighted|thank you|thanks"),
    ("smile", 0.6, "good|great|nice|fun|cool|sweet|hi|hello|hey|welcome|please[d]?|enjoy(?:ed)?"),
    ("sad", 1.0, "sad|lonely|heartbroken|depressed|crying|cried|miss you|missed you|grief|unfortunately|heartbreaking"),
    ("sad", 0.6, "sorry|sigh|alas|tired|lost|hurts?|miss|missed|bad news|died|worried|poor|unlucky"),
    ("angry", 1.0, "angry|furious|hate|outrageous|wtf|gr+|fed up|pissed|shut up|infuriating|rage"),
    ("angry", 0.6, "annoy(?:ed|ing)|mad|ridiculous|unacceptable|damn|ugh|rude|stupid|typical"),
    ("agape", 1.0, "wow|omg|whoa|woah|oh my|no way|wait what|gosh|unbelievable|incredible|astonishing|holy|oh no"),
    ("agape", 0.6, "really|seriously|surpris(?:e|ed|ing)|amazing|suddenly|strange|weird"),
)
# Signs match anywhere. The loudly crying face is shed for laughter as often as for grief: the words around it decide.
_SIGNS: tuple[tuple[str, float, str], ...] = (
    ("laugh", 1.2, r"[😂🤣😹😆😄😁😅]|\bx-?d\b|:-?d\b"),
    ("laugh", 1.0, "😭"),
    ("sad", 1.0, "😭"),
    ("smile", 1.2, r"[🙂😊☺😀😃🥰😍😘🤗😌😉❤💕💖🎉🥳🌹]|[:;]-?\)|<3"),
    ("sad", 1.2, r"[😢😞😔🙁☹💔😿😥😓🥺]|(?<!>):'?-?\("),
    ("angry", 1.2, r"[😠😡🤬👿💢😤]|>:-?\("),
    ("agape", 1.2, r"[😮😯😲😱🤯😳🙀]|[?？][!！]|[!！][?？]|[?？]{2,}|\b:-?o\b"),
)
# Chinese is not spaced: its words match anywhere, but not right after a negation ("不开心", "别生气", "没那么难过").
_CHINESE: tuple[tuple[str, float, str], ...] = (
    ("laugh", 1.2, "哈{2,}|笑死|笑喷|笑疯|笑出声|嘻嘻|嘿嘿|噗|h{3,}|233+"),
    ("laugh", 0.6, "好笑|搞笑|太逗|开玩笑|绷不住"),
    ("smile", 1.2, "开心|高兴|喜欢|谢谢|太好了|恭喜|幸福|爱你|好耶|真好"),
    ("smile", 0.6, "可爱|厉害|好吃|舒服|加油|不错|放心|早安|你好|嗨|真棒|好看|温柔"),
    ("sad", 1.2, "难过|伤心|可惜|呜呜|想哭|哭了|不开心|不高兴|心疼|遗憾|孤单|孤独|委屈|难受|想你|去世"),
    ("sad", 0.6, "唉|对不起|抱歉|好累|累死|失眠|睡不着|没赶上|后悔|生病|感冒|疼"),
    ("angry", 1.2, "生气|讨厌|烦死|气死|可恶|混蛋|滚|受不了|太过分|凭什么|火大|闭嘴"),
    ("angry", 0.6, "离谱|无语|抢钱|真烦|好烦|骂"),
    ("agape", 1.2, "天哪|天啊|我的天|哇|真的吗|真的假的|不会吧|吓死|吓一跳|吓我"),
    ("agape", 0.6, "居然|竟然|救命|绝了|突然|什么情况"),
)
# Single words in capitals, in a text that has small letters too, are shouted: a short one might be an acronym.
_SHOUTS = (("agape", 1.0, re.compile(r"\b[A-Z]{4,}\b")), ("agape", 0.6, re.compile(r"\b[A-Z]{2,3}\b")))
_NEGATION = re.compile(r"(?:\b(?:not|never|no|nothing|without|cannot)|n['’]t)\s+(?:\w+\s+)?$")
_CHINESE_NEGATION = re.compile(r"(?:不|没|没有|别|未|[不没](?:太|怎么|那么|这么|够|是|要|用|必|能|很|会)+)$")
_WORD_RULES = [
    (name, weight, re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)) for name, weight, pattern in _WORDS
]
_CHINESE_RULES = [(name, weight, re.compile(pattern)) for name, weight, pattern in _CHINESE]
_SIGN_RULES = [(name, weight, re.compile(pattern, re.IGNORECASE)) for name, weight, pattern in _SIGNS]


def evidence(text: str) -> dict[str, float]:
    """Return the weight of each expression in a text: the sum of its cues, 15 % more for each of up to three "!"."""
    scores = dict.fromkeys(SYNONYMS, 0.0)
    for name, weight, sign in _SIGN_RULES:
        scores[name] += weight * len(sign.findall(text))
    if any(character.islower() for character in text):
        for name, weight, shout in _SHOUTS:
            scores[name] += weight * len(shout.findall(text))
    squeezed = re.sub(r"([^\W\d_])\1{2,}", r"\1", text.lower().replace("’", "'"))
    for name, weight, word in _WORD_RULES:
        for match in word.finditer(squeezed):
            if " " in match.group() or not _NEGATION.search(squeezed, 0, match.start()):
                scores[name] += weight
    for name, weight, word in _CHINESE_RULES:
        for match in word.finditer(text):
            if not _CHINESE_NEGATION.search(text, max(0, match.start() - 4), match.start()):
                scores[name] += weight
    emphasis = 1 + 0.15 * min(3, text.count("!") + text.count("！"))
    return {name: score * emphasis for name, score in scores.items()}


@dataclass(frozen=True)
class Expressions:
    """The expressions that a face has, by its run's own label names. Without labels the face never changes."""

    labels: tuple[str, ...] = tuple(name for name in SYNONYMS if name != "neutral")

    @property
    def neutral(self) -> str:
        """The label of a face at rest: one named neutral, else smile, else the first."""
        known = self._known()
        return known.get("neutral") or known.get("smile") or (self.labels[0] if self.labels else "")

    def after(self, present: str, text: str) -> str:
        """Return the label to wear after `text`, when `present` is worn now."""
        scores = evidence(text)
        by_label = {label: scores[name] for name, label in self._known().items()}
        if not by_label:
            return self.neutral
        strongest = max(by_label, key=lambda label: by_label[label])
        kept = by_label.get(present, 0.0)
        if strongest != present and by_label[strongest] >= max(ENTER, kept + MARGIN):
            return strongest
        return present if kept >= STAY else self.neutral

    def _known(self) -> dict[str, str]:
        """Return expression -> label; of several labels with one meaning the first."""
        known: dict[str, str] = {}
        for label in self.labels:
            plain = re.sub(r"[^a-z]", "", label.lower())
            for name, synonyms in SYNONYMS.items():
                if plain in synonyms:
                    known.setdefault(name, label)
        return known
