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
stopped=

# A process that has just been forked may lose SIGTERM, but not SIGKILL.
stop() {
    [ -z "$watcher" ] || kill -KILL "$watcher" 2>/dev/null
    if [ -n "$skopeo" ] && kill "$skopeo" 2>/dev/null; then
        sleep 1
        kill -KILL "$skopeo" 2>/dev/null
    fi
    exit 130
}

# A signal may come when skopeo runs and its process id is not known yet.
interrupt() {
    stopped=yes
    [ -z "$skopeo" ] || stop
}

# Is this script there, and its parent? A process that was killed may stay as a zombie, but its
# children have another parent at once.
has_pants() {
    if [ -r "/proc/$$/stat" ]; then
        read -r _ _ state parent _ <"/proc/$$/stat"
    else
        state=
        parent=$(ps -o ppid= -p "$$")
    fi
    [ "$state" != Z ] && [ "$((parent))" -eq "$PPID" ]
}

# Holds none of the streams, whose end Pants waits for. A redirection of the call would keep a copy.
watch() {
    exec >/dev/null 2>&1
    while has_pants; do
        sleep 1
    done
    kill "$1"
}

run() {
    has_pants && [ -z "$stopped" ] || stop
    "$@" 2>push.log &
    skopeo=$!
    [ -z "$stopped" ] || stop
    watch "$skopeo" &
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

trap interrupt INT TERM HUP
run "$@"
for delay in $delays; do
    if [ "$code" -eq 0 ] || grep -Eqi "$refused" push.log; then
        break
    fi
    echo "The push failed (exit code $code). Retrying in $delay s." >&2
    # A shell handles signals while it waits, but not while a command runs.
    sleep "$delay" >/dev/null 2>&1 &
    wait "$!"
    run "$@"
done
exit "$code"
