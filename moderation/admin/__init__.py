"""The pages of the admin, one module for each kind of row; importing them registers them."""

from moderation.admin import (  # noqa: F401
    audit_log,
    checkpoints,
    conversations,
    generations,
    keys,
    messages,
    opinions,
    reports,
    safety,
    secrets,
    shares,
    users,
)
