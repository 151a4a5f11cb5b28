import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_model_sha256"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SafetyRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("crisis", "Crisis (danger to oneself)"),
                            ("hate", "Hate"),
                            ("sexual", "Sexual"),
                            ("violence", "Violence"),
                            ("private", "Private data"),
                            ("illegal", "Illegal"),
                            ("other", "Other"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("phrase", "Phrases"), ("pattern", "Pattern")],
                        default="phrase",
                        max_length=7,
                    ),
                ),
                ("text", models.TextField(max_length=4000)),
                (
                    "applies_to",
                    models.CharField(
                        choices=[
                            ("prompts", "Prompts"),
                            ("replies", "Replies"),
                            ("both", "Prompts and replies"),
                        ],
                        default="prompts",
                        max_length=7,
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("refuse", "Refuse"),
                            ("replace", "Replace the reply"),
                            ("flag", "Flag for moderators"),
                        ],
                        default="flag",
                        max_length=7,
                    ),
                ),
                ("reply_text", models.TextField(blank=True, default="", max_length=2000)),
                ("notice", models.TextField(blank=True, default="", max_length=500)),
                ("is_enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("hits", models.PositiveBigIntegerField(default=0, editable=False)),
                ("last_hit_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="generation",
            name="generation_finish_reason_known",
        ),
        migrations.AddField(
            model_name="generation",
            name="notice",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="report",
            name="author",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="generation",
            name="finish_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "-"),
                    ("stop", "Stop"),
                    ("length", "Length"),
                    ("cancelled", "Cancelled"),
                    ("error", "Error"),
                    ("filtered", "Filtered"),
                ],
                default="",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="report",
            name="reporter",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="reports",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finish_reason__in", ["", "stop", "length", "cancelled", "error", "filtered"])
                ),
                name="generation_finish_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="safetyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "category__in",
                        ["crisis", "hate", "sexual", "violence", "private", "illegal", "other"],
                    )
                ),
                name="safety_category_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="safetyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["phrase", "pattern"])), name="safety_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="safetyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("applies_to__in", ["prompts", "replies", "both"])),
                name="safety_applies_to_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="safetyrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("action__in", ["refuse", "replace", "flag"])),
                name="safety_action_known",
            ),
        ),
        migrations.AddField(
            model_name="report",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="reports",
                to="chat.safetyrule",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(
                fields=("message", "rule"), name="report_once_a_rule"
            ),
        ),
    ]
