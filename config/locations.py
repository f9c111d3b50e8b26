"""Addresses of the servers, from one URL each or from the data folder."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# Name of the database and of its only role in the embedded PostgreSQL.
EMBEDDED_NAME = "safelight"


def sockets(data: Path) -> Path:
    """The folder of the embedded servers' sockets. `up` makes `run` a link where the path would be too long for one."""
    return (data / "run").resolve()


def valkey_socket(data: Path) -> Path:
    return sockets(data) / "valkey.sock"


def database_url(data: Path) -> str:
    return f"postgresql:///{EMBEDDED_NAME}?host={sockets(data)}&user={EMBEDDED_NAME}"


def redis_url(data: Path) -> str:
    return f"unix://{valkey_socket(data)}"


def database(url: str, *, pool: int) -> dict[str, Any]:
    """Django's description of a database, from a URL as libpq reads it.

    With a `pool` of connections (for threads that come and go) or, at 0, one connection a thread.
    """
    try:
        parts = dict(conninfo_to_dict(url))
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"The setting DATABASE_URL cannot be read: {str(error).strip()}") from error
    named = {key: str(parts.pop(key, "") or "") for key in ("dbname", "user", "password", "host", "port")}
    options: dict[str, Any] = {**parts}
    options.setdefault("connect_timeout", 10)
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": named["dbname"] or EMBEDDED_NAME,
        "USER": named["user"],
        "PASSWORD": named["password"],
        "HOST": named["host"],
        "PORT": named["port"],
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0 if pool else 600,
        "OPTIONS": options,
    }


def redis_database(url: str, number: int) -> str:
    """`url` with the number of one of the server's databases. The queue uses 0, the cache 1."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        return f"unix://{parts.path}?db={number}"
    if parts.scheme in ("redis", "rediss") and parts.hostname:
        return parts._replace(path=f"/{number}").geturl()
    raise ImproperlyConfigured("The setting REDIS_URL must begin with redis://, rediss:// or unix:///.")


def broker_url(url: str) -> str:
    """The same server as Celery writes it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host=0"
    return redis_database(url, 0)


def storage_origin(url: str) -> str:
    """`scheme://host[:port]` where browsers find what STORAGE_URL names; empty for the data folder."""
    parts = urlsplit(url)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if not url:
        return ""
    address = options.get("public_endpoint") or options.get("endpoint")
    if address:
        found = urlsplit(address)
        return f"{found.scheme}://{found.netloc}"
    return f"https://s3.{options.get('region', 'us-east-1')}.amazonaws.com"


def mail(url: str, folder: Path) -> dict[str, Any]:
    """Django's mail settings: the server of `smtp[s]://user:password@host:port`, or files in `folder`.

    `smtp` begins in the clear and must be able to change to TLS, except on port 25; `smtps` is TLS from the start.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend", "EMAIL_FILE_PATH": str(folder)}
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured("The setting EMAIL_URL must be smtp://user:password@host:port or smtps://….")
    secure = parts.scheme == "smtps"
    port = parts.port or (465 if secure else 587)
    tls = parse_qs(parts.query).get("tls", ["no" if port == 25 else "yes"])[0]
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and tls != "no",
        "EMAIL_TIMEOUT": 20,
    }
