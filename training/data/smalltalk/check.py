"""Check a small-talk file: form, slots, repetition. Prints what to mend; exits 0 when clean."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
SLOTS = set(json.loads((FOLDER / "slots.json").read_text(encoding="utf-8")))
USER_WORDS, REPLY_WORDS = 40, 85


def line_faults(line: str) -> Iterator[str]:
    """Give what is wrong with one conversation."""
    if not line.strip():
        yield "blank line"
        return
    if not line.isascii():
        yield "non-ASCII: " + "".join(sorted({c for c in line if not c.isascii()}))
    head, *exchanges = re.split(r"\s*\[INST\]\s*", line)
    if head.strip():
        yield "does not start with [INST]"
    for exchange in exchanges:
        yield from exchange_faults(exchange)
    for slot in re.findall(r"\{([^}]*)\}", line):
        if re.sub(r"\d$", "", slot) not in SLOTS:
            yield f"unknown slot {{{slot}}}"
    if re.search(r"\b[Aa]n? \{", line):
        yield "a/an before a slot"
    if re.search(r"https?:|www\.|[#*_`<>]", line.replace("pet_name", "")):
        yield "markup or link"


def exchange_faults(exchange: str) -> Iterator[str]:
    if exchange.count("[/INST]") != 1:
        yield "needs one [/INST] in an exchange"
        return
    user, reply = (text.strip() for text in exchange.split("[/INST]"))
    if not user or not reply:
        yield "empty turn"
    if len(user.split()) > USER_WORDS:
        yield f"user turn of {len(user.split())} words"
    if len(reply.split()) > REPLY_WORDS:
        yield f"reply of {len(reply.split())} words"


def report(lines: list[str]) -> None:
    """Print counts, the commonest openings and repeated replies."""
    replies = [r.strip() for line in lines for r in re.findall(r"\[/INST\]([^\[]*)", line)]
    openings = Counter(" ".join(r.split()[:2]).lower() for r in replies)
    asking = sum(r.endswith("?") for r in replies)
    repeated = [(r, n) for r, n in Counter(r.lower() for r in replies).items() if n > 1]
    print(f"{len(lines)} conversations, {len(replies)} exchanges")
    print(f"{asking / max(1, len(replies)):.0%} of replies end with a question")
    print("commonest openings:", openings.most_common(8))
    print(f"{len(repeated)} replies occur more than once", repeated[:5])


def main() -> int:
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    faults = [(i, fault) for i, line in enumerate(lines, 1) for fault in line_faults(line)]
    faults += [(i, "duplicate line") for i, line in enumerate(lines, 1) if line in lines[: i - 1]]
    report(lines)
    for number, fault in faults[:40]:
        print(f"line {number}: {fault}")
    print(len(faults), "faults")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
