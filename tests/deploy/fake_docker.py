#!/usr/bin/env python3
"""A `docker` that has no engine: it keeps containers in a JSON file and writes down what it was
told, so that rollout.sh's order and its answers to failures can be looked at.

FAKE_DOCKER: folder of state.json and calls.txt. FAKE_FAIL: a part of a command line that fails.
FAKE_SICK: `service:image` whose new containers never become healthy. images.json says which image a
name means; where it says nothing an image is called like its tag.
"""

import itertools
import json
import os
import re
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_DOCKER"])
STATE = FOLDER / "state.json"
IMAGES = FOLDER / "images.json"
IMAGE_OF = {"jobs": "web", "beat": "web"}


def main(words: list[str]) -> int:
    line = " ".join(words)
    told = f"[{os.environ.get('IMAGE_TAG', '-')}] {line}"
    with (FOLDER / "calls.txt").open("a") as calls:
        calls.write(f"{told}\n")
    if (fails := os.environ.get("FAKE_FAIL")) and fails in told:
        sys.stderr.write(f"fake docker: {fails}\n")
        return 1
    state = json.loads(STATE.read_text())
    code = compose(state, words[3:]) if words[0] == "compose" else engine(state, words)
    STATE.write_text(json.dumps(state))
    return code


def compose(state: dict[str, dict[str, str]], words: list[str]) -> int:
    if words[0] == "ps":
        say(*(key for key, it in state.items() if it["service"] == words[-1]))
    elif words[0] == "up":
        up(state, words)
    return 0


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def name_of(service: str, tag: str) -> str:
    return f"registry.example.org:5000/eugpt-{IMAGE_OF.get(service, service)}:{tag}"


def images() -> dict[str, str]:
    return json.loads(IMAGES.read_text()) if IMAGES.exists() else {}


def up(state: dict[str, dict[str, str]], words: list[str]) -> None:
    service, tag = words[-1], os.environ.get("IMAGE_TAG", "old")
    made = {"service": service, "tag": tag, "image": images().get(name_of(service, tag), tag)}
    there = [key for key, it in state.items() if it["service"] == service]
    if "--no-recreate" not in words:
        for key in there:
            if state[key] != made:
                del state[key]
        there = [key for key in there if key in state]
    wanted = re.search(rf"{service}=(\d+)", " ".join(words))
    for _ in range((int(wanted[1]) if wanted else 1) - len(there)):
        numbers = (f"{service}-{tag}-{n}" for n in itertools.count())
        state[next(key for key in numbers if key not in state)] = made


def engine(state: dict[str, dict[str, str]], words: list[str]) -> int:
    if words[0] == "tag":
        IMAGES.write_text(json.dumps(images() | {words[2]: words[1]}))
        return 0
    one = state.get(words[-1])
    if one is None:
        return 1
    if words[0] == "inspect" and "Image" in words[2]:
        known = {
            "{{.Config.Image}}": name_of(one["service"], one["tag"]),
            "{{.Image}}": one["image"],
        }
        say(" ".join(known[part] for part in words[2].split()))
    elif words[0] == "inspect":
        is_sick = os.environ.get("FAKE_SICK") == f"{one['service']}:{one['image']}"
        say(f"running {'unhealthy' if is_sick else 'healthy'}")
    elif words[0] == "rm":
        del state[words[-1]]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
