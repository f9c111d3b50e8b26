"""Settings of the tests: servers of their own, in a temporary folder that one run makes and removes.

The first process of a run names the folder in the environment; the workers of `pytest -n` find it there.
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SAFELIGHT_TEST_SERVERS", tempfile.mkdtemp(prefix="sl-"))
SERVERS = Path(os.environ["SAFELIGHT_TEST_SERVERS"])
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
for _name in ("SITE_URL", "STORAGE_URL", "EMAIL_URL", "BROKER_URL", "DEBUG", "SIGNUP", "LOGIN_TO_LOOK"):
    os.environ.pop(_name, None)
os.environ["SAFELIGHT_DATA"] = str(SERVERS / _WORKER)
os.environ["SECRET_KEY"] = "only-for-tests-" + "k" * 40

from config import locations  # noqa: E402 (the environment comes first)

os.environ["DATABASE_URL"] = locations.database_url(SERVERS)
os.environ["REDIS_URL"] = locations.redis_url(SERVERS)

from config.settings import *  # noqa: E402, F403
from config.settings import CACHES, DATABASES, STORAGES  # noqa: E402

# Two databases of the one Valkey for each worker.
_first = 2 * (1 + int(_WORKER.removeprefix("gw"))) if _WORKER.startswith("gw") else 0
CACHES["default"]["LOCATION"] = locations.redis_database(os.environ["REDIS_URL"], _first + 1)
BROKER_URL = CELERY_BROKER_URL = f"redis+socket://{locations.valkey_socket(SERVERS)}?virtual_host={_first}"

# The workers' databases begin as copies of one that is migrated already (see tests/cluster.py).
DATABASES["default"]["TEST"] = {"TEMPLATE": locations.EMBEDDED_NAME}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

# Nothing is collected for tests; the folder's absence would be a warning, and warnings are errors.
STATIC_ROOT = SERVERS / _WORKER / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
