#!/bin/sh
# Roll a release out over deploy/docker-compose.yml while people go on talking (docs/operations.md):
#     deploy/ops/rollout.sh [--image-tag TAG] [--no-pull] [--backup]
# Order: images, migrations, workers, webs, jobs, beat, edge. A new container must be healthy before
# an old one leaves. What fails on the way is taken back to the images of before; migrations stay,
# which is why they only ever add (CONTRIBUTING.md). Files of your own: COMPOSE_FILE in .env, as compose
# reads it (deploy/docker-compose.yml:mine.yml).
set -eu
cd "$(dirname "$0")/../.."

ENV_FILE="${ENV_FILE:-.env}"
HEALTH_TIMEOUT_S="${HEALTH_TIMEOUT_S:-300}"
LOCK="${TMPDIR:-/tmp}/eugpt-rollout.lock"
tag=
pull=yes
backup=no

say() { printf 'rollout | %s\n' "$*"; }
fail() {
    printf 'rollout | %s\n' "$*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case "$1" in
    --image-tag)
        [ $# -ge 2 ] || fail "[bad_arguments] --image-tag needs a tag"
        tag=$2
        shift
        ;;
    --no-pull) pull=no ;;
    --backup) backup=yes ;;
    *) fail "[bad_arguments] unknown: $1" ;;
    esac
    shift
done
case "$tag" in
*[!A-Za-z0-9_.-]* | [.-]*) fail "[bad_arguments] '$tag' is no tag of an image" ;;
esac
[ -f "$ENV_FILE" ] || fail "[no_settings] there is no $ENV_FILE: see deploy/README.md"

[ -n "${COMPOSE_FILE:-}" ] || COMPOSE_FILE=$(sed -n 's/^COMPOSE_FILE=//p' "$ENV_FILE" | tail -n 1)
export COMPOSE_FILE="${COMPOSE_FILE:-deploy/docker-compose.yml}"

compose() { docker compose --env-file "$ENV_FILE" "$@"; }
running() { compose ps --quiet "$1"; }
count() { running "$1" | grep -c . || true; }

# Something about the containers of a service, as `docker inspect` writes it, each answer once.
about() {
    for one in $(running "$2"); do
        docker inspect --format "$1" "$one"
    done | sort -u
}
tags() { about '{{.Config.Image}}' "$1" | sed -n 's/.*:\([^:/]*\)$/\1/p'; }
# Name and id: an image that was built here has the name of the one before.
images() { about '{{.Config.Image}} {{.Image}}' "$1"; }

wait_healthy() {
    deadline=$(($(date +%s) + HEALTH_TIMEOUT_S))
    while [ "$(date +%s)" -lt "$deadline" ]; do
        state=$(docker inspect --format \
            '{{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{end}}' "$1") || return 1
        case "$state" in
        "running healthy" | "running ") return 0 ;;
        exited* | dead* | restarting* | *unhealthy) break ;;
        esac
        sleep "${POLL_S:-2}"
    done
    say "$1 is not healthy ($state); it said:"
    docker logs --tail 30 "$1" >&2 || true
    return 1
}

# One container more, of the new image; when it is healthy one of the old ones ends. Again for each.
roll() {
    service=$1
    old=$(running "$service")
    wanted=$(printf '%s\n' "$old" | grep -c . || true)
    if [ "$wanted" -eq 0 ]; then
        say "$service does not run here"
        return 0
    fi
    for leaving in $old; do
        before=$(running "$service")
        compose up --detach --no-deps --no-recreate --no-build \
            --scale "$service=$((wanted + 1))" "$service" || return 1
        new=$(running "$service" | grep -vxF "$before" || true)
        if [ -z "$new" ]; then
            say "no new container of $service was started"
            return 1
        fi
        if ! wait_healthy "$new"; then
            docker rm --force "$new" >/dev/null 2>&1 || true
            return 1
        fi
        # Its own stop period: running replies end, or go on in another worker.
        docker stop "$leaving" >/dev/null || return 1
        docker rm "$leaving" >/dev/null || return 1
        say "$service: $(printf '%.12s' "$leaving") left, $(printf '%.12s' "$new") serves"
    done
}

# What may be away for a moment: work waits in Valkey, browsers and Caddy's clients try again.
replace() {
    there=$(count "$1")
    [ "$there" -gt 0 ] || return 0
    compose up --detach --no-deps --no-build --scale "$1=$there" "$1" || return 1
    for one in $(running "$1"); do
        wait_healthy "$one" || return 1
    done
    say "$1 is replaced"
}

touched=
all_services() {
    for service in worker web; do
        touched="$touched $service"
        roll "$service" || return 1
    done
    for service in jobs beat caddy; do
        touched="$touched $service"
        replace "$service" || return 1
    done
}

take_back() {
    say "Something failed: going back to the images of before ($before_tag)"
    export IMAGE_TAG="$before_tag"
    printf '%s\n%s\n%s\n' "$before_worker" "$before_web" "$before_caddy" | while read -r name id; do
        [ -z "$id" ] || docker tag "$id" "$name" || say "$name is not what it was"
    done
    for service in $touched; do
        case "$service" in
        worker) [ "$(images worker)" = "$before_worker" ] || roll worker ;;
        web) [ "$(images web)" = "$before_web" ] || roll web ;;
        *) replace "$service" ;;
        esac || say "$service could not be taken back: look at it"
    done
    fail "[rolled_back] $before_tag serves; migrations that were made stay. Nothing else has changed."
}

# The next `up` by hand must not bring an older release back.
remember() {
    [ -n "$tag" ] || return 0
    aside="$ENV_FILE.new"
    # awk ends the last line, too, where the file does not.
    (umask 077 && awk '!/^IMAGE_TAG=/' "$ENV_FILE" >"$aside" && printf 'IMAGE_TAG=%s\n' "$tag" >>"$aside")
    mv "$aside" "$ENV_FILE"
}

main() {
    command -v docker >/dev/null || fail "[no_engine] there is no docker on this machine"
    before_tag=$(tags web | head -n 1)
    before_worker=$(images worker) before_web=$(images web) before_caddy=$(images caddy)
    [ -z "$tag" ] || export IMAGE_TAG="$tag"
    compose config --quiet || fail "[bad_settings] docker compose does not take its file or $ENV_FILE"
    [ -n "$before_tag" ] || fail "[not_running] nothing runs here yet: docker compose up -d"
    if [ "$pull" = yes ]; then
        more=
        [ "$backup" = no ] || more=backup
        # shellcheck disable=SC2086  # or nothing at all
        compose pull web worker $more caddy || fail "[no_images] the images could not be had; nothing has changed"
    fi
    if [ "$backup" = yes ]; then
        compose run --rm -T backup || fail "[no_backup] nothing has changed"
    fi
    say "Migrating the database and registering the checkpoint"
    compose run --rm -T --no-deps release || fail "[release_failed] the images of before serve on"
    all_services || take_back
    remember
    say "Done: $(tags web)"
}

# One at a time on this machine; the lock ends with the process.
exec 9>"$LOCK"
flock -n 9 || fail "[already_running] another rollout is under way"
main
