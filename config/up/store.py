"""Whether a store elsewhere can be used, asked before the site opens."""

import urllib.error
import urllib.request
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from community.errors import StoreUnavailable
from config.up.errors import CannotStart
from registry.storage import UPLOADS, blob_store


def check_store(url: str, origin: str, store_origin: str) -> str | None:
    """Raises CannotStart when the store refuses us. Answers what is missing when browsers on the site at `origin` may
    not send parts to it: uploads by scripts work all the same."""
    try:
        # A listing, for it also tells a bucket that is not there; of a HEAD that reads as one without the object.
        next(blob_store().listing(f"{UPLOADS}nothing/"), None)
    except (StoreUnavailable, BotoCoreError, ClientError, ValueError) as error:
        raise CannotStart(f"The store of STORAGE_URL cannot be used: {error.__cause__ or error}") from error
    if _lets_browsers_in(f"{store_origin}/{urlsplit(url).netloc}/{UPLOADS}nothing", origin):
        return None
    return (
        f"Browsers may not send files to the store from {origin}: its bucket needs a CORS rule that allows GET and PUT "
        "from there and exposes ETag (docs/operating.md)."
    )


def _lets_browsers_in(address: str, origin: str) -> bool:
    """Ask as a browser does before it sends a part."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    request = urllib.request.Request(address, method="OPTIONS", headers=headers)  # noqa: S310 (https or http, see Settings)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            methods = answer.headers.get("Access-Control-Allow-Methods", "")
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
    return allowed in ("*", origin) and "PUT" in methods
