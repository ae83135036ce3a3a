#!/bin/sh
# push_layout.sh "DELAY DELAY ..." COMMAND ARGUMENT...
#
# Runs skopeo, and retries after each delay, in seconds, unless the registry refuses the push.
# skopeo's own `--retry-times` does not retry an upload that breaks off. Ends with the Pants that
# started it: an old image must not replace what a later run pushes.

delays=$1
shift

refused='unauthorized|authentication required|denied|forbidden|unsupported|name unknown'
refused="$refused|(manifest|name|tag|digest) invalid|invalid reference"
refused="$refused|image rejected|x509|server gave HTTP response|no such host|status( code)?:? (40[01356]|41[35])"

skopeo=
watcher=

# A process that has just been forked may lose SIGTERM, but not SIGKILL.
stop() {
    [ -z "$watcher" ] || kill -KILL "$watcher" 2>/dev/null
    if [ -n "$skopeo" ] && kill "$skopeo" 2>/dev/null; then
        sleep 1
        kill -KILL "$skopeo" 2>/dev/null
    fi
    exit 130
}

# A process that was killed may stay as a zombie: its children have another parent at once.
has_pants() {
    if [ -r "/proc/$$/stat" ]; then
        read -r _ _ _ parent _ <"/proc/$$/stat"
    else
        parent=$(ps -o ppid= -p "$$")
    fi
    [ "$((parent))" -eq "$PPID" ]
}

watch() {
    while has_pants; do
        sleep 1
    done
    kill "$1"
}

run() {
    has_pants || stop
    "$@" 2>push.log &
    skopeo=$!
    # It holds none of the streams, whose end Pants waits for.
    watch "$skopeo" >/dev/null 2>&1 &
    watcher=$!
    wait "$skopeo"
    code=$?
    kill -KILL "$watcher" 2>/dev/null
    # Some shells say that it was killed.
    wait "$watcher" 2>/dev/null
    skopeo=
    watcher=
    cat push.log >&2
}

trap stop INT TERM HUP
run "$@"
for delay in $delays; do
    if [ "$code" -eq 0 ] || grep -Eqi "$refused" push.log; then
        break
    fi
    echo "The push failed (exit code $code). Retrying in $delay s." >&2
    sleep "$delay"
    run "$@"
done
exit "$code"
