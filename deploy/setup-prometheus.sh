#!/usr/bin/env bash
# Put Debian's Prometheus and promtool into var/tools for the tests, without installing anything and
# without root; never fatal. Does nothing where they are there already.
set -u
cd "$(dirname "$0")/.." || exit
target=$PWD/var/tools/prometheus

if [ -x "$target/usr/bin/promtool" ] && [ -x "$target/usr/bin/prometheus" ]; then exit 0; fi
folder=$(mktemp -d) || exit 0
trap 'rm -rf "$folder"' EXIT

fetch() {
    (cd "$folder" && timeout 120 apt-get download -qq prometheus 2>/dev/null)
}

unpack() {
    dpkg -x "$folder"/prometheus_*.deb "$folder/root" &&
        mkdir -p "$(dirname "$target")" && rm -rf "$target" && mv "$folder/root" "$target"
}

if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    echo "Fetching Prometheus for the tests ..."
    if fetch || { [ "$(id -u)" = 0 ] && timeout 300 apt-get update -qq >/dev/null && fetch; }; then
        unpack && exit 0
    fi
fi
echo "WARNING: there is no Prometheus: tests of alerts and dashboards will be SKIPPED." >&2
exit 0
