"""Django settings of EuGPT. Values an operator may change come from `eugpt.config`.

Those of Celery and of the API's libraries stand in rooms of their own, `settings_celery` and
`settings_api`, and are settings here.
"""

from datetime import timedelta

from eugpt.config import BASE_DIR, config_load, purpose_key
from eugpt.email_url import email_settings
from eugpt.logs import logging_settings
from eugpt.settings_api import *  # noqa: F403
from eugpt.settings_celery import *  # noqa: F403
from eugpt.settings_network import REDIS_SOCKET as REDIS_SOCKET
from eugpt.settings_network import database

CONFIG = config_load()

# What the apps read. They use `django.conf.settings` and never import `eugpt`.
REDIS_URL = CONFIG.redis_url
QUEUE_LIMIT = CONFIG.queue_limit
QUEUE_LIMIT_MEMBER = CONFIG.queue_limit_member
QUEUE_LIMIT_GUEST = CONFIG.queue_limit_guest
STAFF_SECOND_FACTOR = CONFIG.staff_second_factor
OTP_TOTP_ISSUER = "EuGPT"
SLOTS = CONFIG.slots
ENGINE_THREADS = CONFIG.engine_threads
PRECISION = CONFIG.precision
KEPT_CONTEXTS = CONFIG.kept_contexts
MODEL = CONFIG.model
MODELS_DIR = CONFIG.models_dir
VAR_DIR = CONFIG.var_dir
FRONTEND_DIR = CONFIG.frontend_dir
LIMITS_ENABLED = CONFIG.limits
IS_PRODUCTION = CONFIG.is_production
PROXY_HOPS = CONFIG.proxy_hops
METRICS_PORT = CONFIG.metrics_port
METRICS_BIND = CONFIG.metrics_bind
REGISTRATION_OPEN = CONFIG.registration == "open"
PUBLIC_ORIGIN = CONFIG.origin()
_EMAIL = email_settings(CONFIG.mail_url())
EMAIL_ENABLED = bool(_EMAIL)
DEFAULT_FROM_EMAIL = CONFIG.mail_from()
globals().update(_EMAIL)  # EMAIL_BACKEND, EMAIL_HOST, …
# One `limits` rate each, "" for none: register, register_day, login, guest_address, shared and
# context count per client address, guest_prompt and guest_quota per guest (`accounts.guests`), the
# others per user.
RATE_LIMITS = {
    "register": "30 per 10 minutes",
    "register_day": CONFIG.register_quota,
    "login": "20 per minute",
    # Failed sign-ins (`accounts.lockout`): by name and address, by name from devices that are not
    # known, and by name and known device.
    "login_pair": "10 per 15 minutes",
    "login_name": "100 per hour",
    "login_device": "10 per 15 minutes",
    # Mails: by user or client address who asks, and by whom they go to.
    "email": "6 per hour",
    "email_address": "20 per hour",
    "email_target": "10 per day",
    "forgot": "10 per hour",
    "forgot_target": "5 per hour",
    "link": "30 per 10 minutes",
    "rename": "10 per 10 minutes",
    "password": "10 per 10 minutes",
    "account_export": "6 per hour",
    "prompt": CONFIG.prompt_rate,
    "guest_prompt": CONFIG.guest_prompt_rate,
    "guest_address": CONFIG.guest_address_rate,
    "guest_quota": CONFIG.guest_quota,
    "guest_address_quota": CONFIG.guest_address_quota,
    "member_quota": CONFIG.member_quota,
    "staff_quota": CONFIG.staff_quota,
    "import": "60 per hour",
    "keep": "60 per hour",
    "shared": "60 per minute",
    "feedback": "120 per minute",
    "report": "60 per hour",
    "context": "300 per minute",
}
RETENTION_DAYS = CONFIG.retention_days
AUDIT_DAYS = CONFIG.audit_days
TICKET_LIFETIME_S = 30
SESSIONS_MAX = 100
API_BODY_MAX_BYTES = 64 * 1024
# A conversation of 10,000 messages is about 4 MB, 200 of the longest turns are 3 MB.
LARGER_BODIES = {
    "/api/conversations/import": 8 * 1024 * 1024,
    "/api/conversations/keep": 4 * 1024 * 1024,
}
# The caps are kept by `eugpt.body_cap`; Django's own, for all routes alike, would be 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = max(LARGER_BODIES.values())
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 10

DEBUG = CONFIG.debug
SECRET_KEY = CONFIG.signing_key()
SECRET_KEY_FALLBACKS = list(CONFIG.secret_key_fallbacks)
JWT_FALLBACK_KEYS = [purpose_key(key, "jwt") for key in SECRET_KEY_FALLBACKS]
ALLOWED_HOSTS = CONFIG.hosts()
# Of the admin's forms: front ends elsewhere have no business there.
CSRF_TRUSTED_ORIGINS = list(CONFIG.csrf_trusted_origins)
SOCKET_ORIGINS = [*CONFIG.public_hosts(), *CONFIG.cors_origins]
INSTALLED_APPS = [
    "moderation.site.EuGPTAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "chat",
    "inference",
    "moderation",
]

# Streaming-safe: nothing here reads or compresses a response body, everything is async-capable.
MIDDLEWARE = [
    "eugpt.metrics.http.route_middleware",
    "eugpt.middleware.InlineSecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "eugpt.middleware.api_slash_middleware",
    "eugpt.middleware.InlineCommonMiddleware",
    "eugpt.middleware.InlineXFrameOptionsMiddleware",
    "eugpt.middleware.AdminSessionMiddleware",
    "eugpt.middleware.AdminCsrfMiddleware",
    "eugpt.middleware.AdminAuthenticationMiddleware",
    "eugpt.middleware.AdminMessageMiddleware",
]

ROOT_URLCONF = "eugpt.urls"
ASGI_APPLICATION = "eugpt.asgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before the admin's own, some of which it takes the place of.
        "DIRS": [BASE_DIR / "moderation" / "templates"],
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

DATABASES = {"default": database(CONFIG.database_url, CONFIG.slots + 8)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_REDIRECT_URL = "admin:index"  # of the admin, the only place with Django's own sign-in
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2Hasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username",)},
    },
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATION}.NumericPasswordValidator"},
]

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": purpose_key(SECRET_KEY, "jwt"),
    "AUTH_TOKEN_CLASSES": ("accounts.signing_keys.AccessToken",),
}
STATIC_URL = "/static/"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "moderation.formats"

GUEST_COOKIE_NAME = "eugpt_guest"
REFRESH_COOKIE_NAME = "eugpt_refresh"
REFRESH_COOKIE_PATH = "/api/auth"
REFRESH_COOKIE_SAMESITE = CONFIG.cookie_samesite
DEVICE_COOKIE_NAME = "eugpt_device"
ADMIN_COOKIE_PATH = "/admin"
# The scheme is what `eugpt.client_address` says, so no header needs to be trusted here.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = CONFIG.is_production
SECURE_SSL_REDIRECT = CONFIG.is_production
SECURE_REDIRECT_EXEMPT = [r"^livez/?$", r"^api/health/?$"]  # probes come without the proxy
SECURE_HSTS_SECONDS = 31_536_000 if CONFIG.is_production else 0
# W005, W021: sub-domains and browsers' preload lists concern more than this site: for its owner to
# decide. W001 to W003 look for Django's own middlewares by name; ours are subclasses of these, and
# tests/security looks at what they do.
SILENCED_SYSTEM_CHECKS = [f"security.W0{number}" for number in ("01", "02", "03", "05", "21")]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 60 * 60  # the staff's: a working day, from the sign-in
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

LOGGING = logging_settings(CONFIG.log_level, CONFIG.log_form())
LOGGING_CONFIG = "eugpt.logs.configure"
