"""The examples of docs/api.md, run as they stand against the real stack."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import Stack

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
MARK = "=== end of example"
# How an example says that it is over.
MARKS = {
    "sh": f"\necho; echo '{MARK}'\n",
    "python": f"\nprint('{MARK}', flush=True)\n",
    "js": f"\nconsole.log('{MARK}');\n",
}
PROGRAMS = {
    "sh": ["bash", "-euo", "pipefail"],
    "python": [sys.executable],
    "js": ["node", "--experimental-websocket", "--no-warnings"],
}


def examples(language: str) -> list[str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def run(language: str, stack: Stack, directory: Path) -> list[str]:
    """What each example printed; a failing one fails the test."""
    blocks = examples(language)
    program = directory / f"examples.{'mjs' if language == 'js' else language}"
    program.write_text("".join(block + MARKS[language] for block in blocks))
    done = subprocess.run(
        [*PROGRAMS[language], str(program)],
        env=os.environ | {"EUGPT": stack.base_url, "PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    said = [part.strip() for part in done.stdout.split(MARK)][:-1]
    assert len(said) == len(blocks)
    assert all(said), f"an example of {language} says nothing: {said}"
    return said


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_every_example_runs(stack: Stack, tmp_path: Path) -> None:
    sh = run("sh", stack, tmp_path)
    python = run("python", stack, tmp_path)
    js = run("js", stack, tmp_path)

    assert "event: done" in sh[1]
    words = js[1].removeprefix("EuGPT: ")
    assert words
    assert words in python[1], "the same seed gives the same words in each language"
    assert '"code":"invalid"' in sh[-1].replace(" ", "")
    assert python[-1] == "400 bad_params"
    assert js[-1] == "400 invalid"
    assert "the rest again: True" in "\n".join(python)
    assert "I love the sea." in python[-2]
