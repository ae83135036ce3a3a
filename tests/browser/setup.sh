#!/usr/bin/env bash
# Installs the browser of tests/site_browser_test.py. For Debian 12 and root.
#
#   tests/browser/setup.sh FOLDER
#
# FOLDER is where the tests leave screenshots: `TRUSS_TEST_BROWSER=FOLDER`.
set -euo pipefail

mkdir -p "$1"
missing=()
for package in chromium chromium-driver fonts-dejavu-core; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
