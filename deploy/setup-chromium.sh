#!/usr/bin/env bash
# Install Debian's Chromium for the browser test where it is missing and we may; never fatal.
set -u
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser test ..."
    export DEBIAN_FRONTEND=noninteractive
    (timeout 300 apt-get update -qq && timeout 600 apt-get install -qq -y --no-install-recommends chromium) \
        >/dev/null && exit 0
fi
echo "WARNING: there is no Chromium: the browser test will be SKIPPED (install the chromium package)." >&2
exit 0
