"""A queue full of prompts without readers: `python -m chat.benchmarks.backlog COUNT TOKENS`.

It goes the way of a guest's prompt, past the checks and limits: rows, turns in Redis, tasks. So the
workers of an installation can be measured without web processes and clients. The replies' lengths
differ by a third around TOKENS, or those that begin together would end together, too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROMPTS = Path(__file__).parent / "prompts.txt"


def reply_tokens(number: int, new_tokens: int) -> int:
    """How long the reply of this number is: two to four thirds of `new_tokens`, in turn."""
    span = max(new_tokens * 2 // 3, 1)
    return span + number * 7 % span


def write(count: int, new_tokens: int) -> None:
    """Queue so many generations of one guest; needs Django's settings."""
    from chat.benchmarks.client import nth_prompt
    from chat.delivery import streams
    from chat.models import Generation
    from chat.tasks import run_generation
    from inference.public import Turn, parse_params

    prompts = [line for line in PROMPTS.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = []
    for number in range(count):
        length = reply_tokens(number, new_tokens)
        params = parse_params({"min_tokens": length, "max_tokens": length, "seed": number})
        rows.append(Generation(owner_key="g:backlog", params=params.to_dict()))
    for number, row in enumerate(rows):
        streams.keep_input(str(row.pk), [Turn("user", nth_prompt(prompts, number))])
    Generation.objects.bulk_create(rows)
    for row in rows:
        run_generation.delay(str(row.pk))


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eugpt.settings")
    django.setup()
    write(int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    main()
