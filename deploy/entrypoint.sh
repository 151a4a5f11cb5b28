#!/bin/sh
# Entry of the web and worker images. Its first argument is the name of a process of deploy/Procfile,
# `release` (migrate and register the checkpoint: once for each deployment), `alive` (the health
# check) or any other command. It is replaced by what it starts, so signals arrive there.
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

case "${1:?the name of a process, release, or a command}" in
release)
    shift
    exec python -m deploy.release "$@"
    ;;
alive)
    shift
    exec python -S deploy/alive.py "$@"
    ;;
esac

command=$(awk -v name="$1: " 'index($0, name) == 1 { print substr($0, length(name) + 1) }' deploy/Procfile)
if [ -n "$command" ]; then
    eval "exec python -m deploy.wait $command"
fi
exec "$@"
