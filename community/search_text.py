"""From what people write to what is searched for: one form of each letter, words, and pairs of signs.

PostgreSQL's parser takes a run of Chinese or Japanese for one word, and what it takes for a letter depends on the
server's locale. So texts are cut here, and the database is handed finished lexemes, those of the `simple`
configuration: lower case, no stop words, no stems. Signs of scripts that are written without blanks are stored as
overlapping pairs; a query for a run asks for its pairs one after the other, and one sign alone finds every pair that
begins with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

# What a query may say at most; the rest is not looked at.
MAX_QUERY_CHARACTERS: Final = 200
MAX_QUERY_TERMS: Final = 12
MAX_LEXEME: Final = 60
# tsvector knows positions up to this one.
_LAST_POSITION: Final = 16_000
# Between two texts, so that a run never matches across them.
_GAP: Final = 8
# A prefix of one letter would match half of the lexemes there are.
_LEAST_PREFIX: Final = 2

# Han, kana with the length mark, Hangul. Korean has blanks, but its endings are written onto the word.
_SIGN: Final = (
    "\u3005-\u3007\u3040-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uf900-\ufaff\U00020000-\U0003134f"
)
_RUN: Final = re.compile(f"(?P<signs>[{_SIGN}]+)|(?P<word>(?:(?![{_SIGN}])[^\\W_])+)")
_MARKS: Final = re.compile("[\u0300-\u036f]")
# Letters that carry their stroke within, so that no decomposition takes it off. The middle dot joins what it parts.
_LETTERS: Final = str.maketrans(
    {
        "ł": "l", "đ": "d", "ð": "d", "ø": "o", "ħ": "h", "ŧ": "t", "ŋ": "n", "ı": "i", "ƀ": "b", "ɨ": "i",
        "æ": "ae", "œ": "oe", "þ": "th", "ĸ": "k", "\u30fb": "", "\u00b7": "", "\u200b": "", "\u00ad": "",
    }
)  # fmt: skip


def fold(text: str) -> str:
    """One form for what reads the same: width, case, accents and ligatures do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", plain)).translate(_LETTERS)
    return unicodedata.normalize("NFKC", bare)


@dataclass(frozen=True)
class Term:
    """One word, or one run of signs that is written without blanks."""

    text: str
    is_run: bool

    def lexemes(self) -> list[str]:
        """What is stored for it: the word, or each sign with the one after it."""
        if not self.is_run:
            return [self.text[:MAX_LEXEME]]
        return [self.text[at : at + 2] for at in range(len(self.text))]


def terms(text: str) -> Iterator[Term]:
    """The words and runs of a text, folded, in their order."""
    for match in _RUN.finditer(fold(text)):
        yield Term(match.group(), match.lastgroup == "signs")


def words_of(texts: Iterable[str]) -> set[str]:
    """The distinct words worth knowing when somebody mistypes one: not too short, and no run of signs."""
    found = (term for text in texts for term in terms(text))
    return {term.text for term in found if not term.is_run and 4 <= len(term.text) <= MAX_LEXEME}


def vector(weighted: Sequence[tuple[str, str]]) -> str:
    """A tsvector in its text form, of (text, weight A to D) pairs in the order of their places."""
    places: dict[str, list[str]] = {}
    place = 0
    for text, weight in weighted:
        for term in terms(text):
            for lexeme in term.lexemes():
                place += 1
                if place > _LAST_POSITION:
                    return _joined(places)
                places.setdefault(lexeme, []).append(f"{place}{weight}")
        place += _GAP
    return _joined(places)


def _joined(places: dict[str, list[str]]) -> str:
    # A lexeme holds letters, digits and signs only (`terms`), so nothing in it needs an escape.
    return " ".join(f"'{lexeme}':{','.join(at)}" for lexeme, at in sorted(places.items()))


def query_terms(words: str) -> list[Term]:
    """What a search asks for, within bounds."""
    found = []
    for term in terms(words[:MAX_QUERY_CHARACTERS]):
        found.append(term)
        if len(found) == MAX_QUERY_TERMS:
            break
    return found


def ts_query(asked: Sequence[Term], alternatives: dict[str, Sequence[str]] | None = None) -> str:
    """A tsquery in its text form: every term, the last word also as a beginning. Empty where nothing is asked.

    `alternatives` gives further spellings for some of the words.
    """
    last = len(asked) - 1
    return " & ".join(_asked_for(term, number == last, alternatives or {}) for number, term in enumerate(asked))


def _asked_for(term: Term, is_last: bool, alternatives: dict[str, Sequence[str]]) -> str:
    if term.is_run:
        pairs = [pair for pair in term.lexemes() if len(pair) == 2]
        return "(" + " <-> ".join(f"'{pair}'" for pair in pairs) + ")" if pairs else f"'{term.text}':*"
    (word,) = term.lexemes()
    begins = ":*" if is_last and len(word) >= _LEAST_PREFIX else ""
    spellings = [f"'{word}'{begins}", *(f"'{other}'" for other in alternatives.get(word, ()))]
    return spellings[0] if len(spellings) == 1 else "(" + " | ".join(spellings) + ")"
