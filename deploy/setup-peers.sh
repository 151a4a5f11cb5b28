#!/usr/bin/env bash
# Make var/bench/peers-venv hold llama.cpp and CTranslate2 for `make bench-peers`; does nothing when
# it already does. llama.cpp is built from its sources for this processor, which takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "EuGPT: $*" >&2
    exit 1
}

requirements=inference/benchmarks/peers/requirements.txt
venv=var/bench/peers-venv
stamp=$venv/.eugpt-peers
# Not the checksum alone: what was built for one processor may not run on another.
wanted="$(sha256sum <"$requirements") $(grep -m 1 -E '^(flags|Features)' /proc/cpuinfo 2>/dev/null | sha256sum)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

for tool in cmake g++; do
    command -v "$tool" >/dev/null || fail "llama.cpp is built from its sources: install $tool first."
done
echo "Installing llama.cpp and CTranslate2 into $venv (the build takes about ten minutes) ..."
mkdir -p var/bench
.venv/bin/python -m venv --clear "$venv"
export CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF ${CMAKE_ARGS:-}"
# No cache: a wheel that was built for another processor would be taken.
nice -n 10 "$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off \
    --no-cache-dir --no-binary llama-cpp-python -r "$requirements" ||
    fail "pip could not install the peers: see its output above."
echo "$wanted" >"$stamp"
