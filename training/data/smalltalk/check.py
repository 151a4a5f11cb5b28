"""Check a small-talk file: form, slots, repetition. Prints what to mend; exits 0 when clean enough."""

import collections, json, pathlib, re, sys

slots = json.loads((pathlib.Path(__file__).with_name("slots.json")).read_text())
path = pathlib.Path(sys.argv[1])
bad, openings, replies, seen, ends_q, n_ex, slotted = (
    [],
    collections.Counter(),
    collections.Counter(),
    set(),
    0,
    0,
    0,
)
lines = path.read_text(encoding="utf-8").splitlines()
for i, line in enumerate(lines, 1):
    if not line.strip():
        bad.append((i, "blank line"))
        continue
    if line in seen:
        bad.append((i, "duplicate line"))
    seen.add(line)
    if not line.isascii():
        bad.append((i, "non-ASCII: " + "".join(sorted(set(c for c in line if not c.isascii())))))
    parts = re.split(r"\s*\[INST\]\s*", line)
    if parts[0].strip():
        bad.append((i, "does not start with [INST]"))
    for ex in parts[1:]:
        if ex.count("[/INST]") != 1:
            bad.append((i, "needs one [/INST] in an exchange"))
            continue
        user, reply = (t.strip() for t in ex.split("[/INST]"))
        if not user or not reply:
            bad.append((i, "empty turn"))
        if len(user.split()) > 40:
            bad.append((i, f"user turn of {len(user.split())} words"))
        if len(reply.split()) > 85:
            bad.append((i, f"reply of {len(reply.split())} words"))
        n_ex += 1
        ends_q += reply.endswith("?")
        openings[" ".join(reply.split()[:2]).lower()] += 1
        replies[reply.lower()] += 1
    used = re.findall(r"\{([^}]*)\}", line)
    slotted += bool(used)
    for s in used:
        if re.sub(r"\d$", "", s) not in slots:
            bad.append((i, f"unknown slot {{{s}}}"))
    if re.search(r"\ban? \{", line):
        bad.append((i, "a/an before a slot"))
    if re.search(r"https?:|www\.|[#*_`<>]", line.replace("pet_name", "")):
        bad.append((i, "markup or link"))
print(
    f"{len(lines)} conversations, {n_ex} exchanges ({n_ex / max(1, len(lines)):.1f} each), {slotted / max(1, len(lines)):.0%} with slots, {ends_q / max(1, n_ex):.0%} of replies end with a question, {sum(len(l.split()) for l in lines)} words"
)
print("commonest openings:", openings.most_common(8))
dups = [(r, c) for r, c in replies.items() if c > 1]
print(f"{len(dups)} replies occur more than once", dups[:5])
for i, why in bad[:40]:
    print(f"line {i}: {why}")
print(len(bad), "faults")
sys.exit(bool(bad))
