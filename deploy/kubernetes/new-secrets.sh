#!/bin/sh
# Writes random secrets for an overlay: deploy/kubernetes/new-secrets.sh FOLDER
# With DATABASE_URL and REDIS_URL in the environment these are used; without, it makes passwords for
# the servers of components/stores (stores.env). What is there already is never overwritten.
set -eu
umask 077

folder=${1:?name the folder of the overlay}
[ -d "$folder" ] || { echo "$folder is no folder" >&2; exit 1; }
for file in secrets.env stores.env; do
    [ ! -e "$folder/$file" ] || { echo "$folder/$file exists already" >&2; exit 1; }
done

random() {
    od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'
}

if [ -z "${DATABASE_URL:-}" ] || [ -z "${REDIS_URL:-}" ]; then
    postgres_password=$(random 24)
    redis_password=$(random 24)
    DATABASE_URL=postgresql://eugpt:$postgres_password@postgres:5432/eugpt
    REDIS_URL=redis://eugpt:$redis_password@redis:6379/0
    cat >"$folder/stores.env" <<END
POSTGRES_PASSWORD=$postgres_password
REDIS_PASSWORD=$redis_password
END
fi
cat >"$folder/secrets.env" <<END
EUGPT_SECRET_KEY=$(random 32)
DATABASE_URL=$DATABASE_URL
REDIS_URL=$REDIS_URL
END
echo "written: $folder/secrets.env"
