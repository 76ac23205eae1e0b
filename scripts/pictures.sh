#!/usr/bin/env bash
# Makes the pictures in docs/pictures/ anew: runs the demo, waits until it has read all of the sample, and looks at its pages.
# The names are always the same; ages and times of commits in them are of the moment.
#
#   scripts/pictures.sh PROGRAM    PROGRAM is a built viewtide
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1

folder=$(mktemp -d)
demo=
end() {
    # The demo takes its Postgres with it.
    [ -z "$demo" ] || { kill -INT "$(cat "$folder/pid")" 2>/dev/null && wait "$demo"; } || true
    rm -rf "$folder"
}
trap end EXIT

# Only on a terminal it serves a page, and goes on until it is interrupted.
script -qefc "echo \$\$ >'$folder/pid'; exec '$program' demo" "$folder/log" >/dev/null 2>&1 </dev/null &
demo=$!

# What the demo says once: a line that holds the words $1.
said() {
    local tries=0
    until grep -a -m 1 -F "$1" "$folder/log" 2>/dev/null | tr -d "\r'"; do
        kill -0 "$demo" 2>/dev/null || { echo "the demo ended:" >&2; cat "$folder/log" >&2; exit 1; }
        [ $((tries += 1)) -lt 600 ] || { echo "the demo does not say '$1':" >&2; cat "$folder/log" >&2; exit 1; }
        sleep 0.1
    done
}

page=$(said 'the page: ' | sed 's/.*the page: //')
read -r pgpass psql < <(said 'PGPASSFILE=' | sed 's/^ *PGPASSFILE=//')
read -r _ _ host _ port _ user database <<<"$psql"
PGPASSFILE=$pgpass PGHOST=$host PGPORT=$port PGUSER=$user PGDATABASE=$database \
    node tests/pages/main.js readme --page "$page" --pictures docs/pictures
