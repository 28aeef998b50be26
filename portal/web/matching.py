"""How well what people type fits the names that something has, in characters or in pinyin."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pypinyin import Style, pinyin

# Words that say that something is to be done, not what.
_IDLE = re.compile(
    r"(我要|我想|想要|我的|怎么办|怎么弄|怎么|怎样|如何|在哪里|在哪|哪里|去哪|网上|在线|办理|申请|查询一下"
    r"|请问|一下|能不能|可不可以|可以|要不要|需要|的|吗|呢|了|啊|我)"
)
# The least share of the word's pairs of characters that a name must have, where no name contains
# the whole word.
_ALIKE = 0.5


@dataclass(frozen=True)
class Name:
    """One name of something: its characters without spaces, and what each may sound like."""

    text: str
    sounds: tuple[tuple[str, ...], ...]


def spoken(words: Iterable[str]) -> tuple[Name, ...]:
    """These names in the form that ``rank`` compares, each once, in their order."""
    texts = dict.fromkeys(_plain(text) for text in words)
    return tuple(Name(text, _sounds(text)) for text in texts if text)


def _plain(text: str) -> str:
    """Lower case, half width, without spaces and punctuation."""
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", text).lower()
        if unicodedata.category(character)[0] in "LN"
    )


def _sounds(text: str) -> tuple[tuple[str, ...], ...]:
    """The readings of each character, all of them where it has several (重: zhong, chong)."""
    syllables = pinyin(text, style=Style.NORMAL, heteronym=True, errors=list)  # type: ignore[arg-type]
    return tuple(
        tuple(dict.fromkeys(reading.replace("ü", "v") for reading in readings)) for readings in syllables
    )


def rank(query: str, names: Sequence[Name]) -> float | None:
    """How well the names fit; a lower number is better. None where they do not: every word of the
    query must fit some name."""
    words = [word for word in (_plain(word) for word in query.split()) if word]
    if not words:
        return None
    ranks = [_word_rank(word, names) for word in words]
    return None if None in ranks else max(one for one in ranks if one is not None)


def _word_rank(word: str, names: Sequence[Name]) -> float | None:
    if len(word) < 2 and word.isascii():
        return None
    bare = _IDLE.sub("", word) or word
    for step, wanted in ((0, word), (1, bare)):
        for place, name in enumerate(names):
            if wanted in name.text:
                # A name that is just the word comes before one that only contains it.
                whole = any(wanted == one.text for one in names)
                return step - whole + min(place, 9) / 10
    if bare.isascii():
        if not any(_sounds_like(bare, name) for name in names):
            return None
        return 2 - any(_sounds_just_like(bare, name) for name in names)
    inside = max((len(name.text) for name in names if len(name.text) > 1 and name.text in word), default=0)
    if inside:
        return 3 - inside / len(word)
    likeness = max((_likeness(bare, name.text) for name in names), default=0)
    return 4 - likeness if likeness >= _ALIKE else None


def _likeness(word: str, text: str) -> float:
    """The share of the word's neighbouring pairs of characters that the text has too."""
    pairs = {word[at : at + 2] for at in range(len(word) - 1)}
    return sum(pair in text for pair in pairs) / len(pairs) if pairs else 0


def _sounds_just_like(letters: str, name: Name) -> bool:
    """Whether the letters are the whole name, in full syllables or in initials."""
    full = "".join(f"(?:{'|'.join(map(re.escape, readings))})" for readings in name.sounds)
    initials = "".join(f"[{''.join(re.escape(one[0]) for one in readings)}]" for readings in name.sounds)
    return re.fullmatch(f"{full}|{initials}", letters) is not None


def _sounds_like(letters: str, name: Name) -> bool:
    """Whether the letters spell a stretch of the name: full syllables, initials, or a mix, the last
    one unfinished."""

    def spells(at: int, rest: str) -> bool:
        if not rest:
            return True
        if at == len(name.sounds):
            return False
        return any(
            reading.startswith(rest)
            or (rest.startswith(reading) and spells(at + 1, rest[len(reading) :]))
            or (rest[0] == reading[0] and spells(at + 1, rest[1:]))
            for reading in name.sounds[at]
        )

    return any(spells(start, letters) for start in range(len(name.sounds)))
