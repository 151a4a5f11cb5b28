"""Rules as tests need them."""

from typing import Any

from chat.safety.models import SafetyRule
from chat.safety.rules import rules_forget

DEFAULTS: dict[str, Any] = {"category": "other", "applies_to": "both", "action": "replace"}


def rule_make(text: str, **fields: Any) -> SafetyRule:
    """A rule that is in force at once; without others."""
    fields = {"name": f"rule {text[:40]!r} {fields.get('action', '')}", **DEFAULTS, **fields}
    made = SafetyRule.objects.create(text=text, **fields)
    rules_forget()
    return made


def no_rules() -> None:
    """Without those that a migration brings."""
    SafetyRule.objects.all().delete()
    rules_forget()
