"""Safety rules: written, switched, counted, and tried out on a text that nobody keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from chat.generation.history import MESSAGE_MAX_CHARS
from chat.models import SafetyRule
from chat.safety.models import Action, AppliesTo, Kind
from chat.safety.patterns import BadText, Found, pattern_of, phrases_of
from chat.safety.rules import DEFAULT_NOTICE, DEFAULT_REPLY, RULES_MAX, Rule, RuleSet, Where
from chat.safety.words import normalised
from moderation.admin.base import ModelAdmin

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[SafetyRule]
else:
    _ModelForm = forms.ModelForm

_HELP = {
    "text": (
        "Phrases: one a line, whole words, capitals do not matter. Pattern: one of RE2, capitals "
        "do not matter; it sees small letters and single spaces."
    ),
    "applies_to": "Prompts are judged before they are answered, replies while they are written.",
    "action": (
        "Refuse: the prompt is not taken. Replace: the text below answers, the model does not. "
        "Flag: nothing happens but a report (of guests nothing is stored, their hits are counted)."
    ),
    "reply_text": f"Stands in the place of the reply. Without one: “{DEFAULT_REPLY}”",
    "notice": f"Shown in a card beside it; addresses become links. Without one: “{DEFAULT_NOTICE}”",
    "is_enabled": "Try it first. A change is in force everywhere within two seconds.",
}


class SafetyRuleForm(_ModelForm):
    class Meta:
        model = SafetyRule
        fields = [
            "name", "category", "kind", "text", "applies_to", "action", "reply_text", "notice",
            "is_enabled",
        ]  # fmt: skip
        help_texts = _HELP

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance._state.adding and SafetyRule.objects.count() >= RULES_MAX:
            raise forms.ValidationError(f"There are {RULES_MAX} rules, as many as there may be.")
        try:
            check = pattern_of if data.get("kind") == Kind.PATTERN else phrases_of
            check(data.get("text", ""))
        except BadText as error:
            self.add_error("text", str(error))
        stops_replies = (
            data.get("action") == Action.REFUSE and data.get("applies_to") != AppliesTo.PROMPTS
        )
        if (data.get("action") == Action.REPLACE or stops_replies) and not data.get("reply_text"):
            self.add_error("reply_text", "Say what stands in the place of the reply.")
        return data


class TryForm(forms.Form):
    text = forms.CharField(
        max_length=MESSAGE_MAX_CHARS,
        widget=forms.Textarea(attrs={"rows": 5}),
        label="Text",
        help_text="It is stored nowhere.",
    )
    where = forms.ChoiceField(
        choices=[(Where.PROMPT, "As a prompt"), (Where.REPLY, "As a reply")], label="Judged"
    )
    with_disabled = forms.BooleanField(required=False, label="With rules that are not enabled")


@admin.register(SafetyRule)
class SafetyRuleAdmin(ModelAdmin):
    audit_kind = "rule"
    form = SafetyRuleForm
    list_display = [
        "name", "category", "kind", "applies_to", "action", "is_enabled", "hits", "last_hit_at",
    ]  # fmt: skip
    list_filter = ["is_enabled", "category", "action", "applies_to"]
    search_fields = ["name", "text"]
    search_help_text = "Name or words"
    ordering = ["category", "name"]
    readonly_fields = ["hits", "last_hit_at", "updated_at"]
    actions = ["enable", "disable"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("try/", view, name="chat_safetyrule_try"), *super().get_urls()]

    @admin.action(description="Enable", permissions=["change"])
    def enable(self, request: HttpRequest, rows: QuerySet[SafetyRule]) -> None:
        _switch(rows, is_enabled=True)

    @admin.action(description="Disable", permissions=["change"])
    def disable(self, request: HttpRequest, rows: QuerySet[SafetyRule]) -> None:
        _switch(rows, is_enabled=False)

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Which rules a text meets, and what would follow. Writes nothing, not even a hit."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = TryForm(request.POST or None, initial={"where": Where.PROMPT})
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Try safety rules",
            "form": form,
            "result": _tried(form.cleaned_data) if form.is_valid() else None,
        }
        return TemplateResponse(request, "moderation/safety_try.html", context)


def _switch(rows: QuerySet[SafetyRule], *, is_enabled: bool) -> None:
    rows.update(is_enabled=is_enabled, updated_at=timezone.now())


def _tried(asked: dict[str, Any]) -> dict[str, Any]:
    rows = SafetyRule.objects.order_by("pk")
    if not asked["with_disabled"]:
        rows = rows.filter(is_enabled=True)
    verdict = RuleSet(list(rows[:RULES_MAX])).judge(asked["text"], Where(asked["where"]))
    seen = normalised(asked["text"])
    found = [
        {"rule": rule, "places": [seen[f.start : f.end] for f in verdict.found if f.owner == rule]}
        for rule in verdict.rules
    ]
    return {
        "action": verdict.action,
        "deciding": verdict.deciding,
        "found": found,
        "segments": _segments(seen, verdict.found),
    }


def _segments(seen: str, found: tuple[Found[Rule], ...]) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is a part of what was found."""
    marked = [False] * len(seen)
    for place in found:
        marked[place.start : place.end] = [True] * (place.end - place.start)
    pieces: list[tuple[str, bool]] = []
    for sign, is_marked in zip(seen, marked, strict=True):
        if pieces and pieces[-1][1] == is_marked:
            pieces[-1] = (pieces[-1][0] + sign, is_marked)
        else:
            pieces.append((sign, is_marked))
    return pieces
