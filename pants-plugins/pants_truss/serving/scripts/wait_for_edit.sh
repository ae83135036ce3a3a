#!/bin/sh
# Prints why a truss cannot be served. With --reload, or on a terminal, it then waits: Pants ends it,
# and prepares the truss once more, after the next edit.
#
#   wait_for_edit.sh MESSAGE_FILE [ARGUMENT...]    the arguments are those of serve.py
cat -- "$1" >&2
shift

if [ -t 0 ]; then waits=1; else waits=0; fi
for argument in "$@"; do
  case "$argument" in
    --reload) waits=1 ;;
    --no-reload) waits=0 ;;
  esac
done
[ "$waits" -eq 1 ] || exit 1

echo "Waiting for the next edit." >&2
# PPID stays as it is when the parent is gone, but Pants may have been gone before.
while kill -0 "$PPID" 2>/dev/null && kill -0 "${PANTS_TRUSS_STARTED_BY:-$PPID}" 2>/dev/null; do
  sleep 1
done
exit 1
