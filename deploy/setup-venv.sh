#!/usr/bin/env bash
# Make .venv hold what the given requirements files say; does nothing when it already does.
# Usage: deploy/setup-venv.sh requirements.txt [...]   (PYTHON and PIP_TORCH_ARGS: see Makefile)
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "EuGPT: $*" >&2
    exit 1
}

is_311() {
    [ "$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "3.11" ]
}

find_python() {
    local candidate found
    for candidate in ${PYTHON:-python3.11 python3 python}; do
        if is_311 "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    candidate=${PYTHON:-python3}
    found=$("$candidate" --version 2>/dev/null | head -n 1)
    fail "Python 3.11 is needed, and $candidate is ${found:-missing}; install Python 3.11 or" \
        "name it: make run PYTHON=/path/to/python3.11."
}

need_disk() {
    local free_mb
    free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$1" ] ||
        fail "The disk is full: $PWD has $free_mb MB left and the installation needs about $1 MB."
}

install() {
    local python=.venv/bin/python torch
    torch=$(grep -E '^torch==' requirements.txt)
    if [ -n "${PIP_TORCH_ARGS:-}" ]; then
        # shellcheck disable=SC2086  # several arguments are meant
        "$python" -m pip install --disable-pip-version-check --progress-bar off "$torch" $PIP_TORCH_ARGS ||
            return 1
    fi
    local args=()
    for file in "$@"; do args+=(-r "$file"); done
    "$python" -m pip install --disable-pip-version-check --progress-bar off "${args[@]}" |
        grep -E --line-buffered '^(Collecting|Downloading|Installing|Successfully)' || [ "${PIPESTATUS[0]}" = 0 ]
}

wanted=$(cat "$@" requirements.txt requirements-observe.txt | sha256sum | cut -d' ' -f1)
stamp=.venv/.eugpt-$(basename "${!#}" .txt)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && is_311 .venv/bin/python; then
    exit 0
fi

if ! is_311 .venv/bin/python; then
    python=$(find_python)
    need_disk 3000
    echo "Creating .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv ||
        fail "$python cannot make virtual environments: install its venv package (python3.11-venv)."
fi
echo "Installing $* (the first time this takes a few minutes) ..."
install "$@" || fail "pip could not install $*: see its output above; with network access, start again."
echo "$wanted" >"$stamp"
