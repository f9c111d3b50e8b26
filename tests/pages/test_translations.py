"""The site in Vietnamese, Simplified Chinese and German: compiled as written, whole, with the same places to fill."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.translation import get_language_info
from django.utils.translation.template import templatize

LANGUAGES = ("de", "vi", "zh_Hans")
ROOT = Path(settings.BASE_DIR)
# Where the pages of every room, the refusals of its services and its notices get their words from.
SOURCES = ("templates", "community", "config", "gallery", "inference", "registry")
_CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
_TEMPLATE_CALL = re.compile(
    r"""\b(p|np|n)?gettext\(((?:u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*"|[^()'"])*)\)""", re.DOTALL
)
_LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_PLACE = re.compile(r"%\(\w+\)[ds]|%[ds]|\{\w+\}")


def catalog(language: str, ending: str = "po") -> polib._BaseFile:
    path = str(ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}")
    return polib.pofile(path) if ending == "po" else polib.mofile(path)


def marked_in_python(source: str) -> Iterator[str]:
    """The strings that are marked for translation, as far as they stand there as they are."""
    for node in ast.walk(ast.parse(source)):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if name in _CALLS:
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            yield from texts[name.startswith("pgettext") :][:1]


def marked_in_template(source: str) -> Iterator[str]:
    """The same of a template, by Django's own extraction, which writes calls of gettext for xgettext to find."""
    for kind, arguments in _TEMPLATE_CALL.findall(templatize(source)):
        texts = [ast.literal_eval(text.replace("\n", "\\n")) for text in _LITERAL.findall(arguments)]
        yield from texts["p" in kind :][:1]


def strings_of_the_pages() -> set[str]:
    readers = {".py": marked_in_python, ".html": marked_in_template, ".txt": marked_in_template}
    found: set[str] = set()
    for name in SOURCES:
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*.*")):
            if path.suffix in readers:
                found |= set(readers[path.suffix](path.read_text()))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    written, compiled = (
        {(entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in catalog(language, ending)}
        for ending in ("po", "mo")
    )

    assert compiled == written


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_that_is_listed_lacks_words(language):
    assert [entry.msgid for entry in catalog(language) if not entry.translated() or entry.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_of_the_pages_is_translated(language):
    """To mend: `manage.py makemessages -a --no-wrap --no-location -i .venv -i tests`, translate, `compilemessages`."""
    strings = strings_of_the_pages()

    assert len(strings) > 500
    assert sorted(strings - {entry.msgid for entry in catalog(language)}) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_translation_has_the_places_of_its_original(language):
    wrong = []
    for entry in catalog(language):
        original = set(_PLACE.findall(entry.msgid_plural or entry.msgid))
        *few, most = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        # The form for one may say "one" instead of its number.
        if set(_PLACE.findall(most)) != original or any(set(_PLACE.findall(text)) - original for text in few):
            wrong.append(entry.msgid)

    assert wrong == []


@pytest.mark.parametrize(("language", "word"), [("de", "Passwort"), ("vi", "Mật khẩu"), ("zh-hans", "密码")])
@pytest.mark.django_db
def test_a_chosen_language_is_kept(client, language, word):
    client.post("/i18n/setlang", {"language": language, "next": "/accounts/login/"})

    text = client.get("/accounts/login/").content.decode()

    assert f'<html lang="{language}"' in text
    assert word in text
    assert get_language_info(language)["name_local"].lower() in text.lower()
