"""Every setting of a site. What differs between sites comes from the environment; README.md lists it.

Nothing needs to be set: without DATABASE_URL and REDIS_URL the servers that `manage.py up` starts in the data
folder are used, and every other command finds them there.
"""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import env, locations
from config.wiring import *  # noqa: F403 (settings too: what the rooms know of one another by name alone)

BASE_DIR = Path(__file__).resolve().parent.parent

# The data folder ------------------------------------------------------------------------------------------------

DATA = env.path("SAFELIGHT_DATA", BASE_DIR / "var")
CACHE_FOLDER = DATA / "cache"
MAIL_FOLDER = DATA / "mail"
SETUP_STAMP = CACHE_FOLDER / "setup.json"  # what the last setup of `up` saw

# The site -------------------------------------------------------------------------------------------------------

SECRET_KEY = env.secret("SECRET_KEY", DATA / "secret_key")
DEBUG = env.flag("DEBUG")
SITE_NAME = env.text("SITE_NAME", "Safelight")
SITE_URL = env.web_address("SITE_URL")
_HTTPS = SITE_URL.startswith("https://")
_SITE_HOST = urlsplit(SITE_URL).hostname
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *([_SITE_HOST] if _SITE_HOST else [])]
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
# How many proxies of the operator's own stand before the site: whose X-Forwarded-… headers may be believed.
PROXY_COUNT = env.number("PROXY_COUNT", 0)
if PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 60 * 86400
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Who may come in, and what they see -----------------------------------------------------------------------------

SIGNUP = env.choice("SIGNUP", ("open", "invite", "closed"), "open")
# Who may let others in where SIGNUP is "invite": operators, moderators (and operators), or every member.
INVITERS = env.choice("INVITERS", ("operator", "moderator", "member"), "moderator")
LOGIN_TO_LOOK = env.flag("LOGIN_TO_LOOK")
# Addresses that stay open where LOGIN_TO_LOOK holds. The APIs ask for a name themselves.
OPEN_TO_ALL = ["/accounts/", "/static/", "/api/", "/healthz", "/i18n/", "/settings/theme", "/uploads/", "/unsubscribe/"]
OPEN_TO_ALL += ["/robots.txt", "/sitemap.xml", "/moderation/closed/"]
# What search engines leave alone: one's own pages, the staff's, programs' doors, large files. `$` ends an address.
NOT_FOR_ROBOTS = """
    /accounts/ /api/ /collections/save/ /files/*/conversions/ /files/*/download/ /follows$ /follows/ /moderation$
    /moderation/ /mutes$ /mutes/ /my$ /notifications$ /notifications/ /posts/new /render$ /render? /render/ /renders$
    /renders/ /report/ /settings$ /settings/ /staff/ /unsubscribe/ /upload$ /uploads/
""".split()
# The most open picture rating that somebody who is not signed in is shown.
ANONYMOUS_RATING = env.choice("ANONYMOUS_RATING", ("PG", "PG-13", "R", "X", "XXX"), "PG")

# Whether everybody may read what moderators decided, without names; if not, moderators alone.
MODERATION_LOG = env.flag("MODERATION_LOG", True)
# What guesses how openly a picture shows what it shows: a dotted path of a `gallery.classifiers` kind; empty: nothing.
PICTURE_CLASSIFIER = env.text("PICTURE_CLASSIFIER", "gallery.classifiers.opennsfw")

# The host name in the ids of feeds. It stays what it was when the site moves, or readers would see everything anew.
FEED_AUTHORITY = env.text("FEED_AUTHORITY", _SITE_HOST or "localhost")

# Somebody who must exist for `/healthz` to call the site ready; `up --admin NAME` sets it.
OWNER_NAME = env.text("OWNER_NAME")

# Processes that `up` starts -------------------------------------------------------------------------------------

WEB_WORKERS = env.number("WEB_WORKERS", 2, least=1)
WEB_THREADS = env.number("WEB_THREADS", 16, least=1)
IO_WORKERS = env.number("IO_WORKERS", 2, least=1)

# Limits ---------------------------------------------------------------------------------------------------------

# Each is counted per person, and per address for people who are not signed in.
RATES = {
    "signup": env.rate("RATE_SIGNUP", "20/h"),
    "login": env.rate("RATE_LOGIN", "30/10m"),
    "comment": env.rate("RATE_COMMENT", "30/10m"),
    "reaction": env.rate("RATE_REACTION", "300/10m"),
    "upload": env.rate("RATE_UPLOAD", "600/h"),
    "write": env.rate("RATE_WRITE", "600/10m"),
    "poll": env.rate("RATE_POLL", "5/s"),
    "token": env.rate("RATE_TOKEN", "30/h"),
    "report": env.rate("RATE_REPORT", "30/h"),
}
QUOTA_BYTES = env.size("QUOTA_BYTES", "100GB")
MAX_FILE_BYTES = env.size("MAX_FILE_BYTES", "200GB")
UPLOAD_EXPIRY_DAYS = env.number("UPLOAD_EXPIRY_DAYS", 7, least=1)
# A notice that was read goes so long after the last thing that it told of.
NOTICE_DAYS = env.number("NOTICE_DAYS", 90, least=1)
# A worker that was not heard of for so long is taken for dead, and its inspection is given to another, so many times.
INSPECTION_LEASE_SECONDS = env.number("INSPECTION_LEASE_SECONDS", 30, least=5)
INSPECTION_TRIES = env.number("INSPECTION_TRIES", 3, least=1)
# Renders. A worker that was not heard of for the lease is taken for dead; the sweep looks for those.
RENDER_LEASE_SECONDS = env.number("RENDER_LEASE_SECONDS", 30, least=3)
RENDER_SWEEP_SECONDS = env.number("RENDER_SWEEP_SECONDS", 10, least=1)
# What one person may ask for: renders that are not ended, pictures within 24 hours, steps, pixels of a side, cells.
RENDER_OPEN_JOBS = env.number("RENDER_OPEN_JOBS", 8, least=1)
RENDER_DAILY_PICTURES = env.number("RENDER_DAILY_PICTURES", 100, least=1)
RENDER_MAX_STEPS = env.number("RENDER_MAX_STEPS", 150, least=1)
RENDER_MAX_SIDE = env.number("RENDER_MAX_SIDE", 1536, least=64)
RENDER_MAX_CELLS = env.number("RENDER_MAX_CELLS", 64, least=1)
# Pictures that nobody shows go after so long; 0: never. So many of one person's may be kept.
RENDER_KEEP_DAYS = env.number("RENDER_KEEP_DAYS", 30)
RENDER_KEPT_PICTURES = env.number("RENDER_KEPT_PICTURES", 500)
# A worker refuses what it estimates over this; 0: nothing. A processor is slow, a graphics card rarely is.
RENDER_CPU_SECONDS = env.number("RENDER_CPU_SECONDS", 120)
RENDER_GPU_SECONDS = env.number("RENDER_GPU_SECONDS", 600)
# Empty: the graphics card where there is one. Else cpu, cuda or cuda:1.
RENDER_DEVICE = env.text("RENDER_DEVICE")
# More threads than idle cores make a render many times slower; their number decides pixels too, and stands in receipts.
RENDER_THREADS = env.number("RENDER_THREADS", 1, least=1)
# What a render worker keeps on its disk of the store's files, for the next render.
RENDER_CACHE_BYTES = env.size("RENDER_CACHE_BYTES", "50GB")
# What renders a plan: a dotted path of a module with `open_engine()`. Imported by render workers alone.
RENDER_ENGINE = env.text("RENDER_ENGINE", "inference.services.device")
# Model files never pass through these two: parts of an upload are read as a stream.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# A post of 500 pictures, each with all that its workbench asks (without a script one form sends it).
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000

# Applications ---------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "gallery",
    "inference",
    "registry",
    "community",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compression.CompressPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "community.middleware.RefusalMiddleware",
    "community.middleware.LoginToLookMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A registry's addresses end as they are written; the foreign APIs have none with a final slash.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

# Database, cache, queue -----------------------------------------------------------------------------------------

DATABASE_IS_EMBEDDED = not env.text("DATABASE_URL")
DATABASE_URL = env.text("DATABASE_URL", locations.database_url(DATA))
DATABASES = {"default": locations.database(DATABASE_URL, pool=env.number("DATABASE_POOL", 0))}

REDIS_IS_EMBEDDED = not env.text("REDIS_URL")
REDIS_URL = env.text("REDIS_URL", locations.redis_url(DATA))
CACHES = {
    "default": {
        "BACKEND": "config.cache.SpareCache",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
        "LOCATION": locations.redis_database(REDIS_URL, 1),
        "KEY_PREFIX": "safelight",
        "TIMEOUT": 3600,
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

BROKER_URL = env.text("BROKER_URL", locations.broker_url(REDIS_URL))
CELERY_BROKER_URL = BROKER_URL
CELERY_PULSE_URL = CACHES["default"]["LOCATION"]  # where workers and beat leave their signs of life (config/pulse.py)
CELERY_TASK_DEFAULT_QUEUE = "io"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_SEND_SENT_EVENT = False
CELERY_TASK_IGNORE_RESULT = True  # the database is the truth; nothing reads a task's result
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60  # a child that renders loads its engine while it comes up
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Longer than the longest job: Valkey hands a message out again when it was not acknowledged within this time.
if not BROKER_URL.startswith("amqp"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 12 * 3600, "socket_keepalive": True}
else:
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
CELERY_BEAT_SCHEDULE_FILENAME = str(CACHE_FOLDER / "beat")
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_TIMEZONE = "UTC"
# name: {"task": fixed task name, "schedule": seconds or crontab, "options": {"queue": …, "expires": …}}
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    "inspections": {"task": "registry.sweep_inspections", "schedule": 10, "options": {"queue": "io", "expires": 30}},
    "uploads": {"task": "registry.sweep_uploads", "schedule": 300, "options": {"queue": "io", "expires": 300}},
    "blobs": {"task": "registry.sweep_blobs", "schedule": 3600, "options": {"queue": "io", "expires": 3600}},
    "pictures": {"task": "registry.sweep_pictures", "schedule": 20, "options": {"queue": "io", "expires": 30}},
    "conversions": {"task": "registry.sweep_conversions", "schedule": 20, "options": {"queue": "io", "expires": 30}},
    "downloads": {"task": "registry.fold_downloads", "schedule": 10, "options": {"queue": "io", "expires": 30}},
    "notices": {"task": "community.tell_all_waiting", "schedule": 30, "options": {"queue": "io", "expires": 30}},
    "old notices": {"task": "community.sweep_notices", "schedule": 3600, "options": {"queue": "io", "expires": 3600}},
    "digests": {"task": "community.send_digests", "schedule": 600, "options": {"queue": "io", "expires": 600}},
    "readings": {"task": "gallery.sweep_readings", "schedule": 20, "options": {"queue": "io", "expires": 30}},
    "scores": {"task": "gallery.sweep_scores", "schedule": 60, "options": {"queue": "io", "expires": 60}},
    "posts": {"task": "gallery.publish_due", "schedule": 15, "options": {"queue": "io", "expires": 30}},
    "post purge": {"task": "gallery.purge_posts", "schedule": 3600, "options": {"queue": "io", "expires": 3600}},
    "image counts": {"task": "gallery.fold_counts", "schedule": 60, "options": {"queue": "io", "expires": 60}},
    "renders": {
        "task": "inference.sweep_renders",
        "schedule": RENDER_SWEEP_SECONDS,
        "options": {"queue": "io", "expires": 30},
    },
    "old renders": {"task": "inference.expire_renders", "schedule": 3600, "options": {"queue": "io", "expires": 3600}},
    "avif": {"task": "registry.make_avif", "schedule": 30, "options": {"queue": "io", "expires": 30}},
}

# Stored bytes ---------------------------------------------------------------------------------------------------

# Empty: the data folder. Else s3://bucket/prefix?endpoint=https://…&region=…
STORAGE_URL = env.text("STORAGE_URL")
# Browsers send parts there and read from there, past the site.
STORAGE_ORIGIN = locations.storage_origin(STORAGE_URL)
# A ClamAV daemon to ask about every file: unix:/path/of/its/socket or host:port. Empty: none is asked.
CLAMAV_ADDRESS = env.text("CLAMAV_ADDRESS")
# Where nginx serves DATA from as an internal location; empty: the site sends the bytes itself.
ACCEL_PREFIX = env.text("ACCEL_PREFIX")

# Accounts and mail ----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "community.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

EMAIL_URL = env.text("EMAIL_URL")
MAIL_IS_SENT = bool(EMAIL_URL)
vars().update(locations.mail(EMAIL_URL, MAIL_FOLDER))  # EMAIL_BACKEND, EMAIL_HOST and their kind
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("MAIL_FROM", f"{SITE_NAME} <noreply@{_SITE_HOST or 'localhost'}>")

ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*" if MAIL_IS_SENT else "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if MAIL_IS_SENT else "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = f"[{SITE_NAME}] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if _HTTPS else "http"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
# Sign-up and login are counted by `community.views.accounts`, which says when to come back; the rest by allauth.
ACCOUNT_RATE_LIMITS = {"signup": None, "login": None, "login_failed": "30/m/ip,5/300s/key"}
ACCOUNT_ADAPTER = "community.adapters.AccountAdapter"
ACCOUNT_MAX_EMAIL_ADDRESSES = 2
ALLAUTH_TRUSTED_PROXY_COUNT = PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ADAPTER = "community.adapters.SecondStepAdapter"
# Without mail no address can be confirmed, and a second step must not wait for it.
MFA_ALLOW_UNVERIFIED_EMAIL = not MAIL_IS_SENT
MFA_TOTP_ISSUER = SITE_NAME

# Programs -------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "community.api.common.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["community.api.common.permissions.ScopedPermission"],
    "DEFAULT_THROTTLE_CLASSES": ["community.api.common.throttles.RateThrottle"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "community.api.common.negotiation.FirstRenderer",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["community.api.common.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "community.api.common.problems.exception_handler",
    "NUM_PROXIES": PROXY_COUNT,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

# Languages ------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("vi", _("Vietnamese")), ("zh-hans", _("Simplified Chinese")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.text("TIME_ZONE", "UTC")

# Static files ---------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = CACHE_FOLDER / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": CACHE_FOLDER}},
    "staticfiles": {"BACKEND": "config.static.HashedStaticFiles"},
}

# What a page may load: nothing from another host ------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:", *([STORAGE_ORIGIN] if STORAGE_ORIGIN else [])],
        "font-src": [SELF],
        "connect-src": [SELF, *([STORAGE_ORIGIN] if STORAGE_ORIGIN else [])],
        "media-src": [SELF],  # clips, whose bytes pass through the site wherever they lie
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# Logs go to standard error; `up` gives each process a file under DATA/log ------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")},
    "loggers": {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
        # Says who is signed in to what, at DEBUG with the parameters of every query.
        "django.db.backends": {"level": "INFO"},
    },
}
