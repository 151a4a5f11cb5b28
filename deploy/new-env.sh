#!/bin/sh
# Writes .env for deploy/docker-compose.yml with fresh secrets: deploy/new-env.sh [HOST]
# HOST is the public name (default: localhost). What is there already is never overwritten.
set -eu
umask 077
cd "$(dirname "$0")/.."

host=${1:-localhost}
case $host in
*[!A-Za-z0-9.-]* | .* | "") echo "a host name is meant, for example chat.example.org" >&2; exit 2 ;;
esac
[ ! -e .env ] || { echo ".env exists already: it keeps its secrets" >&2; exit 1; }

random() {
    od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

cat >.env <<END
# Every other setting: .env.example
SITE_ADDRESS=$host
EUGPT_ALLOWED_HOSTS=$host
EUGPT_PUBLIC_ORIGIN=https://$host
EUGPT_SECRET_KEY=$(random 32)
POSTGRES_PASSWORD=$(random 24)
REDIS_PASSWORD=$(random 24)
END
echo "written: .env for https://$host"
