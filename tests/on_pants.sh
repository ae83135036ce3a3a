#!/usr/bin/env bash
# Runs the tests beside the sources and the end-to-end tests on another Pants.
#
#   TRUSS_TEST_PANTS_COMMAND=/path/of/pants TRUSS_TEST_PANTS_PYTHON=/path/of/python tests/on_pants.sh
#
# The Python is the one that this Pants runs on: it imports `pants`, and `pants.testutil` of the same
# release. The script installs the other distributions of the tests into a folder of its own. With
# arguments, only these tests run: files or folders.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${TRUSS_TEST_PANTS_PYTHON:?the Python that the other Pants runs on}"
export TRUSS_TEST_PANTS_COMMAND="${TRUSS_TEST_PANTS_COMMAND:?the executable of the other Pants}"

release="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
"$python" -c 'import pants.testutil.rule_runner'

# The launcher's own environment has a pip, which installs for any Python.
./pants --version >/dev/null
installed="${PANTS_LAUNCHER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pants-from-index}"
pip=("$(ls -d "$installed"/*/venv/bin/python | head -n 1)" -m pip --disable-pip-version-check)
packages="$(mktemp -d)"
trap 'rm -rf "$packages"' EXIT
PIP_CONFIG_FILE=/dev/null "${pip[@]}" install -qq --target "$packages" --python-version "$release" \
  --only-binary :all: pytest hypothesis jsonschema pathspec

unit=() end_to_end=()
for path in "${@:-pants-plugins tests:}"; do
  for each in $path; do
    case "$each" in
      pants-plugins*) unit+=("$each") ;;
      *) end_to_end+=("$each") ;;
    esac
  done
done

status=0
if [ ${#unit[@]} -gt 0 ]; then
  PYTHONPATH="$packages:pants-plugins:tests:benchmarks" \
    "$python" -m pytest -q -p no:cacheprovider -rs "${unit[@]}" || status=1
fi
if [ ${#end_to_end[@]} -gt 0 ]; then
  ./pants test "${end_to_end[@]}" || status=1
fi
exit "$status"
