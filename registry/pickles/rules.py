"""The name lists: which imports a model file may make, and what is known of the rest.

The lists are data (`data/rules.json`, with a version); this module looks names up in them. A verdict never depends on
a name being on the deny list: what is not allowed is at least *check*, and anything of the standard library *blocked*.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from registry.pickles.levels import Verdict
from registry.pickles.values import clean

DATA = Path(__file__).parent / "data" / "rules.json"

# Gone from the standard library since, but still importable somewhere.
REMOVED_MODULES = frozenset(
    """__builtin__ aifc asynchat asyncore audioop binhex cgi cgitb chunk commands crypt distutils dummy_threading
    formatter imghdr imp imputil lib2to3 mailcap mimetools msilib nis nntplib ossaudiodev parser pipes popen2 rexec
    smtpd sndhdr spwd sunau symbol telnetlib thread uu xdrlib""".split()
)
# Modules that give power over the computer, wherever another module holds a reference to them.
POWERFUL_MODULES = frozenset(
    """os sys subprocess builtins __builtin__ importlib shutil socket ctypes pickle marshal runpy posix nt pty operator
    functools inspect pkgutil imp codeop""".split()
)
# Names that say what they do; no honest class is called so.
POWERFUL_NAMES = frozenset(
    """eval exec execfile system popen popen2 popen3 popen4 Popen spawn spawnl spawnv call check_call check_output
    getoutput getstatusoutput run_command runcommand runstring runsource runcode run_code import_module __import__
    load_module exec_module exec_command execute_command shell_exec os_system compile getattr""".split()
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the lists say of one name. `use` is set only for allowed names."""

    level: Verdict
    rule: str = ""
    why: str = ""
    use: str = ""  # ref, call, class, trampoline or codec
    takes_state: bool = False
    takes_items: frozenset[str] = frozenset()


class Rules:
    """One version of the lists."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.version: str = data["version"]
        self._rulings: dict[tuple[str, str], Ruling] = {}
        self._allowed: dict[tuple[str, str], Ruling] = {}
        self._checked = _index(data["check"], Verdict.CHECK, "import_unusual")
        self._blocked = _index(
            [{**entry, "modules": [entry["module"]]} for entry in data["block"]], Verdict.BLOCKED, "import_known_danger"
        )
        for entry in data["allow"]:
            self._allow(entry)
        self._known_modules = {module for module, _name in self._allowed}

    def _allow(self, entry: dict[str, Any]) -> None:
        ruling = Ruling(
            Verdict.SAFE,
            use=entry["as"],
            why=entry["why"],
            takes_state=entry.get("state", False),
            takes_items=frozenset(entry.get("items", ())),
        )
        for module in entry["modules"]:
            for name in entry["names"]:
                self._allowed[module, name] = ruling

    def rule_on(self, module: str, name: str) -> Ruling:
        """The ruling on a name as written and as Python 3 renames it; the graver of the two."""
        key = (module, name)
        known = self._rulings.get(key)
        if known is None:
            known = self._decide(module, name)
            mapped = map_old_name(module, name)
            if mapped != key:
                other = self._decide(*mapped)
                if other.level.gravity > known.level.gravity:
                    known = other
            if len(self._rulings) < 50_000:
                self._rulings[key] = known
        return known

    def _decide(self, module: str, name: str) -> Ruling:
        allowed = self._allowed.get((module, name))
        if allowed is not None:
            return allowed
        exact = self._checked.exact.get((module, name))
        if exact is not None:
            return exact
        return self._decide_form(module, name) or self._decide_lists(module, name)

    def _decide_form(self, module: str, name: str) -> Ruling | None:
        """Rulings that the spelling alone gives."""
        path = f"{module}.{name}"
        if not path.isascii():
            plain = unicodedata.normalize("NFKC", path)
            if plain != path and plain.isascii():
                twin = self._decide(*plain.rsplit(".", 1))
                if twin.level is Verdict.BLOCKED:
                    return twin
            return self._decide_prefix(module, name) or Ruling(Verdict.CHECK, "import_not_ascii")
        parts = path.split(".")
        inner = parts[1:]
        if parts[0] == "__torch__":  # classes of a TorchScript archive; no Python module is called so
            return self._checked.find(module, name)
        if "." in name or module.count(".") >= 1:
            reached = [part for part in name.split(".")[:-1] if part in sys.stdlib_module_names]
            if reached or any(part in POWERFUL_MODULES for part in inner[:-1]):
                return self._decide_prefix(module, name) or Ruling(Verdict.BLOCKED, "import_through_module")
        if any(part.startswith("__") for part in parts):
            return self._decide_prefix(module, name) or Ruling(Verdict.BLOCKED, "import_special_name")
        return None

    def _decide_prefix(self, module: str, name: str) -> Ruling | None:
        return self._blocked.find(module, name)

    def _decide_lists(self, module: str, name: str) -> Ruling:
        blocked = self._decide_prefix(module, name)
        if blocked is not None:
            return blocked
        if is_standard_library(module):
            return Ruling(Verdict.BLOCKED, "import_standard_library")
        if name.rpartition(".")[2] in POWERFUL_NAMES or name in POWERFUL_MODULES:
            return Ruling(Verdict.BLOCKED, "import_dangerous_name")
        checked = self._checked.find(module, name)
        if checked is not None and module not in self._known_modules:
            return checked
        if module in self._known_modules:
            return checked or Ruling(Verdict.BLOCKED, "import_sibling")
        if not all(part.isidentifier() for part in f"{module}.{name}".rstrip(".").split(".")):
            return Ruling(Verdict.CHECK, "import_malformed")
        return Ruling(Verdict.CHECK, "import_unknown")


@dataclass(slots=True)
class _Index:
    """A list of names, findable by exact name or by module and what lies below it."""

    exact: dict[tuple[str, str], Ruling]
    whole: dict[str, Ruling]  # every name of exactly this module
    below: dict[str, Ruling]  # every name of this module and its submodules

    def find(self, module: str, name: str) -> Ruling | None:
        found = self.exact.get((module, name)) or self.whole.get(module)
        if found is not None:
            return found
        # `torch` + `utils.collect_env.run` is the same as `torch.utils.collect_env` + `run`
        parts = f"{module}.{name}".split(".")
        for count in range(len(parts), 0, -1):
            path = ".".join(parts[:count])
            found = self.below.get(path) or self.exact.get((".".join(parts[: count - 1]), parts[count - 1]))
            if found is not None:
                return found
        return None


def _index(entries: list[dict[str, Any]], level: Verdict, rule: str) -> _Index:
    index = _Index({}, {}, {})
    for entry in entries:
        ruling = Ruling(level, rule, entry["why"])
        for module in entry["modules"]:
            for name in entry["names"]:
                if name != "*":
                    index.exact[module, name] = ruling
                elif entry.get("below"):
                    index.below[module] = ruling
                else:
                    index.whole[module] = ruling
    return index


def is_standard_library(module: str) -> bool:
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top in REMOVED_MODULES or top in IMPORT_MAPPING


def map_old_name(module: str, name: str) -> tuple[str, str]:
    """What Python 3 imports for a name that Python 2 wrote (`pickle` with `fix_imports`)."""
    mapped = NAME_MAPPING.get((module, name))
    if mapped is not None:
        return mapped
    return IMPORT_MAPPING.get(module, module), name


@cache
def current_rules() -> Rules:
    return Rules(json.loads(DATA.read_text(encoding="utf-8")))


def subject_of(module: str, name: str) -> str:
    """The import as people read it."""
    return clean(f"{module}.{name}" if name else module, 200)
