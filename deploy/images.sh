#!/bin/sh
# Images without compose: deploy/images.sh build | sizes
# Builds edge, web, worker and ops, or lists their layers. ENGINE: docker or podman, if both are there.
# BUILD_ARGS: more arguments for `build`, for example "--build-arg PIP_TORCH_ARGS= --no-cache".
set -eu
cd "$(dirname "$0")/.."

engine=${ENGINE:-$(command -v docker || command -v podman || true)}
case ${engine##*/} in
docker) format= ;;
# OCI's own format knows no health checks.
podman) format="--format docker" ;;
*) echo "docker or podman is needed to build images" >&2; exit 1 ;;
esac
tag=${IMAGE_TAG:-latest}
targets="edge web worker ops"

build() {
    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    for target in $targets; do
        # shellcheck disable=SC2086  # several arguments are meant
        "$engine" build $format --file deploy/Dockerfile --target "$target" \
            --build-arg VERSION="$tag" --build-arg REVISION="$revision" ${BUILD_ARGS:-} \
            --tag "${IMAGE_PREFIX:-}eugpt-$target:$tag" .
    done
}

sizes() {
    for target in $targets; do
        image=${IMAGE_PREFIX:-}eugpt-$target:$tag
        bytes=$("$engine" image inspect --format '{{.Size}}' "$image")
        echo "$image: $((bytes / 1000000)) MB"
        # Layers without content are settings.
        "$engine" history --no-trunc --format '{{.Size}}|{{.CreatedBy}}' "$image" | grep -v '^0 *B|' |
            sed -e 's#|.*/bin/sh -c #|#' -e 's/#(nop) *//' |
            awk '{ i = index($0, "|"); printf "  %10s  %s\n", substr($0, 1, i - 1), substr($0, i + 1, 100) }'
    done
}

case ${1:-} in
build | sizes) "$1" ;;
*) echo "usage: deploy/images.sh build | sizes" >&2; exit 2 ;;
esac
