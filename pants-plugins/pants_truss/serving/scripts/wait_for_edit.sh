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
# A process that was killed stays, as a zombie, until its parent asks for it.
runs() {
  kill -0 "$1" 2>/dev/null || return 1
  case "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null)" in
    Z*) return 1 ;;
  esac
}
# PPID stays as it is when the parent is gone, but Pants may have been gone before.
while runs "$PPID" && runs "${PANTS_TRUSS_STARTED_BY:-$PPID}"; do
  sleep 1
done
exit 1
