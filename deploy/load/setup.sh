#!/usr/bin/env bash
# Make var/load/venv hold Locust for `make load` and `make soak`; does nothing when it already does.
set -euo pipefail
cd "$(dirname "$0")/../.."

requirements=deploy/load/requirements.txt
venv=var/load/venv
stamp=$venv/.eugpt-load
wanted=$(sha256sum <"$requirements")
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

echo "Installing Locust into $venv ..."
mkdir -p var/load
.venv/bin/python -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --progress-bar off \
    -r "$requirements" || {
    echo "EuGPT: pip could not install Locust: see its output above." >&2
    exit 1
}
echo "$wanted" >"$stamp"
