#!/usr/bin/env bash
# Ends the daemon that setup.sh has started.
set -euo pipefail

if [[ -f "$1/docker.pid" ]]; then
  pid="$(cat "$1/docker.pid")"
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
fi
