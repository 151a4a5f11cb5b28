"""Settings of the API's libraries: CORS, Django REST framework and its description."""

from corsheaders.defaults import default_headers

from eugpt.config import config_load

CONFIG = config_load()

CORS_ALLOWED_ORIGINS = list(CONFIG.cors_origins)
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [
    *default_headers,
    "last-event-id",
    "x-request-id",
    # What OpenAI's client for browsers sends with every request.
    *(f"x-stainless-{name}" for name in ("arch", "async", "helper-method", "lang", "os")),
    *(f"x-stainless-{name}" for name in ("package-version", "poll-helper", "retry-count")),
    *(f"x-stainless-{name}" for name in ("runtime", "runtime-version", "timeout")),
]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "Link",
    "Retry-After",
    "X-Assistant-Message-Id",
    "X-Conversation-Id",
    "X-Generation-Id",
    "X-User-Message-Id",
    "X-RateLimit-Limit-Requests",
    "X-RateLimit-Remaining-Requests",
    "X-RateLimit-Reset-Requests",
    "X-Request-Id",
]
CORS_URLS_REGEX = r"^/(api|v1)/"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["accounts.rest.UnicodeJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.rest.FirstRendererNegotiation",
    "DEFAULT_SCHEMA_CLASS": "accounts.schema.Schema",
    "EXCEPTION_HANDLER": "eugpt.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "EuGPT API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "filter": True,
        "displayRequestDuration": True,
        "defaultModelsExpandDepth": 0,
        "validatorUrl": None,
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "eugpt.openapi.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "GenerationStatus": "chat.models.Status",
        "FinishReason": "chat.models.FinishReason",
        "Role": "chat.models.Role",
        "HealthStatus": ["ok", "degraded"],
    },
}
