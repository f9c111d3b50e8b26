"""How often something may be done.

Counts live in the cache, in windows of fixed length: one atomic increment a request. Across a window's edge a caller
can reach twice the count, which no limit here is too tight to bear. While the cache server is away each process
counts for itself (`config.cache`): a site that lost its cache goes on serving, and guessing passwords stays slow.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import ngettext

from community.errors import RateLimited


def check_rate(name: str, key: str) -> None:
    """Count one act of `key` against the limit `name` of `settings.RATES`. Raises RateLimited over it."""
    count, seconds = settings.RATES[name]
    now = time.time()
    window = int(now // seconds)
    digest = hashlib.sha256(key.encode(errors="replace")).hexdigest()[:32]
    entry = f"rate:{name}:{window}:{digest}"
    if _count(entry, timeout=2 * seconds) > count:
        wait = max(1, math.ceil((window + 1) * seconds - now))
        detail = ngettext("Too often. Try again in %d second.", "Too often. Try again in %d seconds.", wait) % wait
        raise RateLimited(detail, retry_after=wait)


def _count(entry: str, *, timeout: int) -> int:
    if cache.add(entry, 1, timeout):
        return 1
    try:
        return cache.incr(entry)
    except ValueError:  # it went between the two calls
        cache.set(entry, 1, timeout)
        return 1


def caller_key(request: HttpRequest) -> str:
    """Whom an act is counted for: the person, or the address of one who is not signed in."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user:{user.pk}"
    return address_key(request)


def address_key(request: HttpRequest) -> str:
    """The address that acts are counted for; of IPv6 the network that one home has."""
    text = client_address(request)
    if not text:
        return "address:unknown"
    address = ipaddress.ip_address(text)
    if address.version == 6:
        return f"address:{ipaddress.ip_network((address, 64), strict=False)}"
    return f"address:{address}"


def client_address(request: HttpRequest) -> str:
    """The caller's address as far as the operator's own proxies (`settings.PROXY_COUNT`) vouch for it, or nothing."""
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    proxies = settings.PROXY_COUNT
    given = hops[-proxies] if 0 < proxies <= len(hops) else ""
    for text in (given, request.META.get("REMOTE_ADDR", "")):
        try:
            return str(ipaddress.ip_address(text.strip()))
        except ValueError:
            continue
    return ""
