"""Every setting, read once from the environment; `docs/settings.md` lists them with their defaults."""

import secrets
import sys
from pathlib import Path
from typing import Any

from neuratrade.lib import env

BASE_DIR = Path(__file__).resolve().parent.parent

# Where the desk keeps its state
HOME = Path(env.text("NEURATRADE_HOME", "~/.neuratrade")).expanduser().absolute()
RUN_DIR = HOME / "run"
LOG_DIR = HOME / "logs"
KEYS_DIR = HOME / "keys"
WEB_PORT = env.integer("NEURATRADE_PORT", 8765, low=1, high=65535)
WEB_HOST = env.text("NEURATRADE_WEB_HOST", "127.0.0.1")
MODE = env.choice("NEURATRADE_MODE", "paper", ("paper", "shadow", "live"))
WITH_FLOWER = env.flag("NEURATRADE_FLOWER", default=False)
FLOWER_PORT = env.integer("NEURATRADE_FLOWER_PORT", 5555, low=1, high=65535)


SECRET_KEY_NAME = "django_secret_key"


def _secret_key() -> str:
    """Django's secret key: NEURATRADE_SECRET_KEY(_FILE), else the one that `prepare` keeps under keys/.

    Before that one for this process alone: reading the settings writes nothing.
    """
    given = env.secret("NEURATRADE_SECRET_KEY")
    if given:
        return given
    path = KEYS_DIR / SECRET_KEY_NAME
    try:
        return path.read_text(encoding="utf-8").strip() or secrets.token_urlsafe(50)
    except (FileNotFoundError, NotADirectoryError):
        return secrets.token_urlsafe(50)
    except (OSError, UnicodeDecodeError) as error:
        raise env.SettingError(
            "NEURATRADE_HOME",
            f"{path} cannot be read; make it readable, or delete it and run `neuratrade prepare`",
        ) from error


SECRET_KEY = _secret_key()

DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env.names("NEURATRADE_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = list(env.origins("NEURATRADE_TRUSTED_ORIGINS"))

INSTALLED_APPS = [
    "neuratrade",
    "neuratrade.dashboard",
    "trading",
    "agents",
    "quests",
    "django_celery_beat",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "neuratrade.urls"
ASGI_APPLICATION = "neuratrade.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# SQLite by default, PostgreSQL by one setting
DATABASES: dict[str, dict[str, Any]]
if env.text("DATABASE_URL"):
    DATABASES = {
        "default": {
            "ENGINE": "neuratrade.db.postgresql",
            # A connection is let go after each request and task: every page has a thread, and so a connection, of its own.
            "CONN_MAX_AGE": 0,
            **env.postgres("DATABASE_URL"),
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "neuratrade.db.sqlite",
            "NAME": HOME / "neuratrade.sqlite3",
            # A test database on disk: several processes of the desk share it, which memory could not offer.
            "TEST": {"NAME": HOME / "test.sqlite3"},
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                    "PRAGMA recursive_triggers=ON; PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY;"
                ),
            },
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: a private socket that `neuratrade up` serves, unless an address is given
REDIS_SOCKET = RUN_DIR / "redis.sock"
REDIS_URL = env.redis("REDIS_URL", f"unix://{REDIS_SOCKET}?db=0")

# Celery: hints only, the truth is in SQL (ARCHITECTURE, "Processes and queues")
CELERY_BROKER_URL = env.broker(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_TASK_DEFAULT_QUEUE = "normal"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "health_check_interval": 10,
}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
LOGIN_URL = "/admin/login/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "neuratrade.lib.logs.RedactFilter"}},
    "formatters": {"line": {"()": "neuratrade.lib.logs.LineFormatter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["redact"],
            "stream": sys.stderr,
        },
    },
    "root": {
        "handlers": ["stderr"],
        "level": env.choice("NEURATRADE_LOG_LEVEL", "info", ("debug", "info", "warning")).upper(),
    },
    # httpx logs whole addresses, and some carry a token
    "loggers": {"httpx": {"level": "WARNING"}, "httpx2": {"level": "WARNING"}},
}

# Assets counted as one unit of the reporting currency. A depeg is a risk the operator takes by listing an asset here.
REPORTING_CURRENCY = "USD"
STABLE_ASSETS = frozenset(env.names("NEURATRADE_STABLE_ASSETS", "USD,USDT,USDC"))
PAPER_START_BALANCE = env.decimal("NEURATRADE_PAPER_BALANCE", "10000", low="10", high="1000000000")
RISK_PROFILE = env.choice("NEURATRADE_RISK_PROFILE", "balanced", ("defensive", "balanced", "aggressive"))
BLACKLIST = frozenset(env.names("NEURATRADE_BLACKLIST"))
# How often the shortest quests (scans, order care) run
MICRO_EVERY_S = env.integer("NEURATRADE_MICRO_EVERY_S", 60, low=5, high=300)
# Strategies that look at the live market, each `name` or `name:timeframe`. None by default: test one before it trades.
STRATEGIES = env.names("NEURATRADE_STRATEGIES")

# Language models: an empty provider list means the built-in rules desk, labelled as such
AI_PROVIDER = env.choice(
    "NEURATRADE_AI_PROVIDER", "desk_rules", ("desk_rules", "openai_compatible", "openai", "anthropic")
)
AI_MODEL = env.text("NEURATRADE_AI_MODEL")
AI_BASE_URL = env.web_address("NEURATRADE_AI_BASE_URL")
AI_API_KEY = env.secret("NEURATRADE_AI_API_KEY")
AI_LOCAL = env.flag("NEURATRADE_AI_LOCAL", default=False)
AI_TIMEOUT_S = env.integer("NEURATRADE_AI_TIMEOUT_S", 60, low=1, high=120)
AI_MAX_OUTPUT_TOKENS = env.integer("NEURATRADE_AI_MAX_OUTPUT_TOKENS", 2000, low=200, high=32000)
# During an outage, or with the budget spent, the rules desk answers in the model's place, labelled as such
AI_RULES_FALLBACK = env.flag("NEURATRADE_AI_RULES_FALLBACK", default=True)
AI_BUDGET_DAILY_USD = env.decimal("NEURATRADE_AI_BUDGET_DAILY_USD", "5", low="0", high="100000")
AI_BUDGET_MONTHLY_USD = env.decimal("NEURATRADE_AI_BUDGET_MONTHLY_USD", "100", low="0", high="1000000")
SKILLS_DIR = env.folder("NEURATRADE_SKILLS_DIR", BASE_DIR / "skills")
