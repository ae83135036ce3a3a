#!/bin/sh
# push_layout.sh "DELAY DELAY ..." COMMAND ARGUMENT...
#
# Runs skopeo, and retries after each delay, in seconds, unless the registry refuses the push.
# skopeo's own `--retry-times` does not retry an upload that breaks off.

delays=$1
shift

refused='unauthorized|authentication required|denied|forbidden|unsupported|name unknown'
refused="$refused|(manifest|name|tag|digest) invalid|invalid reference"
refused="$refused|x509|server gave HTTP response|no such host|status( code)?:? (40[01356]|41[35])"

run() {
    "$@" 2>push.log
    code=$?
    cat push.log >&2
}

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
