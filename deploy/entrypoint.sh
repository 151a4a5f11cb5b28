#!/bin/sh
# Entry of the web and worker images: the name of a process of deploy/Procfile, `release`
# (migrate and register the checkpoint, once per deployment), or any other command.
set -eu
cd "$(dirname "$0")/.."

# The defaults of deploy/local/procfile.py, but open to the container's network.
export BIND="${BIND:-0.0.0.0}"
export PORT="${PORT:-8000}"
export EUGPT_SLOTS="${EUGPT_SLOTS:-32}"
export EUGPT_LOG_LEVEL="${EUGPT_LOG_LEVEL:-INFO}"
# A port of its own, for Prometheus and probes; never published.
export EUGPT_METRICS_BIND="${EUGPT_METRICS_BIND:-0.0.0.0}"
export EUGPT_VAR_DIR="${EUGPT_VAR_DIR:-var}"

if [ "$1" = release ]; then
    python manage.py migrate --no-input
    exec python manage.py load_checkpoint --keep-active "${EUGPT_MODELS_DIR:-models}/${EUGPT_MODEL:-eugpt-36m}"
fi

command=$(sed -n "s/^$1: //p" deploy/Procfile)
if [ -n "$command" ]; then
    eval "exec $command"
fi
exec "$@"
