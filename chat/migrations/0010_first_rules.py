"""The rules that an installation begins with. Staff change them in the admin."""

from typing import Any

from django.db import migrations

HELP_REPLY = """\
I am really glad that you wrote this down. I am only a small program and cannot help you the way a \
person can, but you do not have to carry this alone.

If you might act on it soon, or are hurt already, please call the emergency number now: 112 in \
Europe and many other places, 911 in North America, 999 in the UK, 000 in Australia, or the one \
that you know.

At findahelpline.com you find people who listen, free and in confidence, by phone or chat, in more \
than 130 countries. And if there is somebody near you whom you trust, tell them how you feel \
today. One sentence is enough for a beginning."""

HELP_NOTICE = """\
You are not alone. People who listen, in your country, free and in confidence: \
https://findahelpline.com. In danger now? Call the emergency number: 112, 911, 999, 000 or \
your local one."""

SUICIDE = """\
kill myself
killing myself
want to die
wanna die
want to be dead
wish i was dead
wish i were dead
better off dead
end my life
ending my life
end it all
take my own life
taking my own life
commit suicide
committing suicide
i am suicidal
i'm suicidal
im suicidal
feel suicidal
feeling suicidal
suicidal thoughts
don't want to live
dont want to live
do not want to live
don't want to be alive
no reason to live
ich will sterben
ich will nicht mehr leben
mich umbringen
je veux mourir
me suicider
quiero morir
quiero morirme
suicidarme
voglio morire
suicidarmi
quero morrer
me matar
ik wil dood
chcę umrzeć"""

SELF_HARM = """\
hurt myself
hurting myself
harm myself
harming myself
self-harm
self harm
cutting myself
want to cut myself
starve myself
mich selbst verletzen
ich ritze mich
hacerme daño
me faire du mal"""

AT_THE_READER = """\
kill yourself
killing yourself
end your life
take your own life
you should die
you deserve to die
you should be dead"""

RULES: list[dict[str, Any]] = [
    {
        "name": "Thoughts of suicide",
        "category": "crisis",
        "text": SUICIDE,
        "applies_to": "prompts",
        "action": "replace",
        "reply_text": HELP_REPLY,
        "notice": HELP_NOTICE,
    },
    {
        "name": "Self-harm",
        "category": "crisis",
        "text": SELF_HARM,
        "applies_to": "prompts",
        "action": "replace",
        "reply_text": HELP_REPLY,
        "notice": HELP_NOTICE,
    },
    {
        "name": "A reply that tells people to die",
        "category": "crisis",
        "text": AT_THE_READER,
        "applies_to": "replies",
        "action": "replace",
        "reply_text": "I began to write something that I should not say to anybody. I am sorry.",
        "notice": HELP_NOTICE,
    },
    {
        "name": "Threats against others",
        "category": "violence",
        "text": "kill him\nkill her\nkill them\nkill you\nshoot up\nbuild a bomb\nmake a bomb",
        "applies_to": "prompts",
        "action": "flag",
        "is_enabled": False,
    },
    {
        "name": "Sexual words about children",
        "category": "sexual",
        "kind": "pattern",
        "text": (
            r"\b(child|children|kids?|minors?|underage|teens?|girls?|boys?)\b.{0,40}"
            r"\b(sex|sexual|sexy|nudes?|naked|porn)\b"
        ),
        "applies_to": "both",
        "action": "flag",
    },
    {
        "name": "Card numbers",
        "category": "private",
        "kind": "pattern",
        "text": r"\b[3-6]\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{2,4}\b",
        "applies_to": "prompts",
        "action": "refuse",
        "notice": (
            "This looks like the number of a payment card. Please leave it out: nobody here "
            "needs it."
        ),
        "is_enabled": False,
    },
    {
        "name": "Buying drugs or weapons",
        "category": "illegal",
        "text": "where to buy cocaine\nwhere to buy heroin\nbuy a gun illegally\nghost gun",
        "applies_to": "prompts",
        "action": "refuse",
        "notice": "EuGPT does not help with this.",
        "is_enabled": False,
    },
]


def rules_seed(apps: Any, schema_editor: Any) -> None:
    """Only into an empty table: what staff have made of it stays."""
    model = apps.get_model("chat", "SafetyRule")
    rows = model.objects.using(schema_editor.connection.alias)
    if not rows.exists():
        rows.bulk_create([model(**rule) for rule in RULES])


class Migration(migrations.Migration):
    dependencies = [("chat", "0009_safety_rules")]

    operations = [migrations.RunPython(rules_seed, migrations.RunPython.noop)]
