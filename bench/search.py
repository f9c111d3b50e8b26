"""How long a page of models takes among many, and how near that is to only fetching its cards.

    python bench/search.py [--rows N] [--rounds N]

Starts a PostgreSQL of its own in a temporary folder, fills it with N public models (words by Zipf's law, a tenth of the
titles in Chinese), and times `search_models` as the page calls it: hits, facets, counts and the cards. The floor is
fetching 24 cards by their ids. Prints the median milliseconds of each kind of search, and the ratio to the floor; exits
with 1 when one takes more than 300 ms, which is what a page may cost before people wait for it.
"""

import sys

sys.path.pop(0)  # this folder, in which the standard library would find a file for its own `inspect`

import argparse
import os
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ALLOWED_MS = 300
WORDS = 5_000
SIGNS = "夕凪灯台守青瓷茶壶特写山水墨画风格人物古城夜雨花鸟春秋"


def main() -> int:
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="sl-bench-"))
    stop = _start_database(folder)
    try:
        _fill(options.rows)
        return _measure(options.rows, options.rounds)
    finally:
        stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _start_database(folder: Path) -> Callable[[], None]:
    """A server with the settings that a site's own has, but for syncing; and Django pointed at it."""
    os.environ |= {"SAFELIGHT_DATA": str(folder), "SECRET_KEY": "only-for-a-measurement"}
    from config import locations
    from config.up import postgres
    from config.up.spawn import spawn

    (folder / "run").mkdir()
    account = postgres.server_account()
    if account.is_other_user:
        folder.chmod(0o711)
        os.chown(folder / "run", account.popen["user"], account.popen["group"])
    postgres.make_cluster(folder, account)
    log = folder / "servers.log"
    server = spawn(postgres.command(folder, *postgres.THROWAWAY), log=log, account=account, death=signal.SIGQUIT)
    home = f"host={locations.sockets(folder)} user={locations.EMBEDDED_NAME} dbname=postgres"
    postgres.wait(home, seconds=60, alive=lambda: server.poll() is None)
    os.environ["DATABASE_URL"] = locations.database_url(folder)
    _make_tables(home)

    def stop() -> None:
        server.send_signal(postgres.STOP_SIGNAL)
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)

    return stop


def _make_tables(home: str) -> None:
    import psycopg

    with psycopg.connect(home, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'safelight'").fetchone()
        if not found:
            connection.execute("CREATE DATABASE safelight")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)


def _fill(rows: int) -> None:
    from community.models import User
    from community.search_text import fold, vector

    chance = random.Random(1)
    words = [_word(chance) for _ in range(WORDS)]
    weights = [1 / (place + 3) for place in range(WORDS)]
    owners = User.objects.bulk_create([User(username=f"person{n}") for n in range(100)])
    _copy("registry_tag", "id, name, created_at", ((n + 1, f"tag{n}", "now") for n in range(500)))
    said = []
    for number in range(1, rows + 1):
        title = " ".join(chance.choices(words, weights, k=3))
        if number % 10 == 0:
            title = "".join(chance.choices(SIGNS, k=6))
        description = " ".join(chance.choices(words, weights, k=20))
        downloads = int(chance.paretovariate(0.6))
        tags = sorted({int(chance.paretovariate(0.5)) % 500 + 1 for _ in range(4)})
        said.append((number, title, description, downloads, tags, chance.choice(owners).pk))
    _fill_models(said)
    _fill_search(said, vector, fold)


def _word(chance: random.Random) -> str:
    parts = "ka lo mi ren tor sha vel an dri po gu est li fa mur".split()
    return "".join(chance.choices(parts, k=chance.randint(2, 4)))


TYPES = ("lora", "lora", "lora", "checkpoint", "embedding", "vae")
BASES = ("SD 1.5", "SD 1.5", "SDXL 1.0", "Pony", "Illustrious", "Flux.1 D")


def _fill_models(said: list[tuple]) -> None:
    _copy(
        "community_subject",
        "id, owner_id, kind, title, address, is_public, rating, comments_open, comment_count, created_at",
        ((n, owner, "model", title, f"/p/m{n}", True, 1, True, 0, "now") for n, title, _, _, _, owner in said),
    )
    _copy(
        "registry_registeredmodel",
        "id, subject_id, owner_id, title, name, type, description, license, license_text, permissions,"
        " first_published_at, taken_down_reason, download_count, created_at, updated_at",
        (
            (n, n, owner, title, f"m{n}", TYPES[n % 6], text, "MIT", "", 1, _day(n), "", downloads, "now", "now")
            for n, title, text, downloads, _, owner in said
        ),
    )
    _copy(
        "registry_registeredmodel_tags",
        "registeredmodel_id, tag_id",
        ((n, tag) for n, _, _, _, tags, _ in said for tag in tags),
    )
    _copy(
        "registry_modelversion",
        "id, model_id, name, base_model, trained_words, notes, state, license, license_text, permissions, published_at,"
        " withdrawn_reason, rating, download_count, created_at",
        ((n, n, "v1", BASES[n % 6], [], "", "published", "MIT", "", 1, _day(n), "", 1, 0, "now") for n, *_ in said),
    )


def _fill_search(said: list[tuple], vector: Callable, fold: Callable) -> None:
    _copy(
        "registry_modelsearch",
        "model_id, owner_id, words, title, type, base_models, tag_ids, rights, rating, downloads, first_published_at,"
        " published_at",
        (
            (
                n, owner, vector([(title, "A"), (" ".join(f"tag{t}" for t in tags), "B"), (text, "D")]), fold(title),
                TYPES[n % 6], [BASES[n % 6]], tags, 1, 1, downloads, _day(n), _day(n),
            )
            for n, title, text, downloads, tags, owner in said
        ),
    )  # fmt: skip
    _run(
        "INSERT INTO registry_searchword SELECT DISTINCT word FROM registry_modelsearch,"
        " regexp_split_to_table(title, ' ') word WHERE length(word) BETWEEN 4 AND 60"
    )
    _run("ANALYZE")


def _day(number: int) -> str:
    return f"2026-{number % 12 + 1:02}-{number % 28 + 1:02} {number % 24:02}:00Z"


def _copy(table: str, columns: str, rows: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as into:
        for row in rows:
            into.write_row(row)


def _run(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def _measure(rows: int, rounds: int) -> int:
    from django.contrib.auth.models import AnonymousUser
    from django.http import QueryDict

    from registry.models import RegisteredModel
    from registry.search import ModelQuery, search_models

    nobody = AnonymousUser()
    ids = list(RegisteredModel.objects.order_by("?").values_list("pk", flat=True)[:24])
    floor = _median(lambda: list(RegisteredModel.objects.filter(pk__in=ids).for_cards()), rounds)
    print(f"{rows:,} models; floor (24 cards by id): {floor:.1f} ms")

    def search(address: str) -> Any:
        return search_models(ModelQuery.from_params(QueryDict(address)), nobody)

    deep = ModelQuery.from_params(QueryDict("sort=newest"))
    for _ in range(50):
        deep = deep.changed(cursor=search_models(deep, nobody).next_cursor)
    common, rare = _common_and_rare()
    slowest = 0.0
    for name, address in {
        "first page": "",
        "fifty pages on": deep.to_query_string(),
        "one type": "type=vae",
        "type and base model": "type=vae&base_model=Flux.1+D&sort=newest",
        "a common tag": "tag=tag1",
        "a rare tag": "tag=tag400",
        "a common word": f"q={common}",
        "a common word by date": f"q={common}&sort=newest",
        "two words and a type": f"q={common}+{rare}&type=lora",
        "a rare word": f"q={rare}",
        "a beginning": f"q={common[:2]}",
        "two signs": "q=灯台",
        "one sign": "q=灯",
        "a mistyped word": f"q={rare[:-2]}{rare[-1]}{rare[-2]}x",
        "nothing": "q=zzzzzzzz",
    }.items():
        took = _median(lambda address=address: search(address), rounds)
        slowest = max(slowest, took)
        print(f"{name:24} {took:8.1f} ms  {took / floor:6.1f} × floor  {search(address).count_text:>8} hits")
    return 1 if slowest > ALLOWED_MS else 0


def _common_and_rare() -> tuple[str, str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT word FROM ts_stat('SELECT words FROM registry_modelsearch') WHERE word ~ '^[a-su-z][a-z]{5,}$'"
            " ORDER BY ndoc DESC"
        )
        words = [row[0] for row in cursor.fetchall()]
    return words[0], words[-1]


def _median(act: Callable[[], object], rounds: int) -> float:
    times = []
    act()
    for _ in range(rounds):
        start = time.perf_counter()
        act()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    raise SystemExit(main())
