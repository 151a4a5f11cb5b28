"""The API does what its description says, also when it is asked for nonsense.

FUZZ_EXAMPLES asks for more examples of each operation, and for chains of calls: `make fuzz-api`.
"""

import os
import re
from pathlib import Path

import pytest

from tests.fuzz.api import Run
from tests.support.stack import Stack

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
ALL = "examples,coverage,fuzzing,stateful"
# In short, strangers try no edges of the input: most of what they ask for is refused unread.
RUNS = (
    dict.fromkeys(("guest", "member"), Run(EXAMPLES, ALL, is_repeatable=False))
    if EXAMPLES
    else {"guest": Run(3, "examples,fuzzing"), "member": Run(3, "examples,coverage,fuzzing")}
)
TIMEOUT_S = 7200 if EXAMPLES else 400

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(TIMEOUT_S)]


def test_api_answers_as_documented_with_a_token_and_without(stack: Stack, tmp_path: Path) -> None:
    """Both at a time, as two cores allow."""
    runs = {
        name: run.start(stack, tmp_path / name, is_signed_in=name == "member")
        for name, run in RUNS.items()
    }
    reports = {name: run.communicate(timeout=TIMEOUT_S)[0] for name, run in runs.items()}
    for name, run in runs.items():
        assert run.returncode == 0, f"{name}:\n{reports[name]}"
        assert re.search(r"^  [1-9][0-9]* generated, [0-9]+ passed", reports[name], re.M)
