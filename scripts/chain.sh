#!/usr/bin/env bash
# The whole chain on one machine: Apache Kafka, viewtide with a Postgres of its own, MLflow, and Metabase where its jar is given.
# All of it listens on 127.0.0.1 only.
#
#   scripts/chain.sh up      starts what does not run, and says what is where
#   scripts/chain.sh down    ends all of it; the data stays, and the next `up` goes on with it
#
#   VIEWTIDE_UP_DIR   folder of data, logs, ports and passwords; .viewtide in the clone unless given
#   VIEWTIDE_BIN      viewtide's program; that of `cargo build --release` unless given
#   METABASE_JAR      Metabase's jar; that of last time unless given, and none where it is empty
#   RUN_FLAGS         further flags of `viewtide run`, which count when it starts; those of last time unless given
set -euo pipefail

say() { echo "$*" >&2; }

# The path that variable $1 gives, as it is from everywhere; it has to be there.
found() { realpath -qe -- "${!1}" || { say "$1 names ${!1}, which is not there"; exit 1; }; }

root=$(dirname "$(dirname "$(realpath -- "$0")")")
dir=$(realpath -m -- "${VIEWTIDE_UP_DIR:-$root/.viewtide}")
viewtide=
[ -z "${VIEWTIDE_BIN:-}" ] || viewtide=$(found VIEWTIDE_BIN)
[ -z "${METABASE_JAR:-}" ] || METABASE_JAR=$(found METABASE_JAR)
cd "$root"
# Settings of another viewtide's.
for name in "${!VIEWTIDE_@}"; do unset "$name"; done

# Parts that this call started.
started=()

# shellcheck source-path=SCRIPTDIR
. scripts/tools.sh
viewtide=${viewtide:-$target/release/viewtide}
. scripts/chain/processes.sh
. scripts/chain/ports.sh
. scripts/chain/kafka.sh
. scripts/chain/engine.sh
. scripts/chain/mlflow.sh
. scripts/chain/metabase.sh

# The folder, for which one call at a time is at work. Others may pass through it, which the account of Postgres has to.
prepare() {
    local part
    [ -d "$dir" ] || { mkdir -p "$dir" && chmod 711 "$dir"; }
    for part in run log kafka mlflow metabase; do
        [ -d "$dir/$part" ] || mkdir -m 700 "$dir/$part"
    done
    touch "$dir/ports"
    exec 9>"$dir/run/lock"
    flock -n 9 || { say "waiting for another make up or make down of $dir"; flock 9; }
}

was_started() { [[ " ${started[*]} " == *" $1 "* ]]; }

# Ends what `up` started and did not bring to its end.
undo() {
    local part
    ! was_started engine || finish_engine
    for part in metabase mlflow kafka; do
        ! was_started "$part" || finish "$part" 60
    done
}

# Starts part $1 unless it runs. What one that was killed left behind holds its port, and goes first.
bring() {
    runs "$1" && return
    finish "$1" 10
    "start_$1"
}

up() {
    local jar part
    prepare
    jar=$(choose_jar)
    trap undo EXIT
    trap 'exit 130' INT TERM HUP
    for part in kafka mlflow metabase engine; do
        if runs "$part"; then say "$part runs already (process $(pid_of "$part"))"; fi
    done
    bring kafka
    bring mlflow
    [ -z "$jar" ] || bring metabase
    await kafka 120 kafka_is_ready
    make_topics
    await mlflow 120 mlflow_is_ready
    ! runs engine || engine_is_whole || finish_engine
    bring engine
    await engine 600 engine_is_ready
    [ -z "$jar" ] || await metabase 600 metabase_is_ready
    trap - EXIT
    tell
    ! runs metabase || provision_metabase \
        || { say "everything runs, but Metabase has no dashboards; see $dir/log/dashboards.log"; exit 1; }
}

tell() {
    cat <<END

page       http://127.0.0.1:$(port_of page)
MLflow     $(mlflow_uri)
Metabase   $(tell_metabase)
Kafka      $(brokers), topics ${TOPICS[*]}
Postgres   $(psql_command)

send data  $viewtide replay --brokers $(brokers) data/tracked_dense.csv.gz
compare    $viewtide verify --data-dir '$(database_dir)'
logs       $dir/log
end all    make down
END
}

tell_metabase() {
    if runs metabase; then
        echo "http://127.0.0.1:$(port_of metabase), as $METABASE_ADMIN; the password is in $(metabase_password_file)"
    else
        echo "not without its jar: METABASE_JAR=/path/metabase.jar make up"
    fi
}

# The engine first: the others take all that it has to say.
down() {
    [ -d "$dir/run" ] || { say "nothing runs in $dir"; return; }
    prepare
    finish_engine
    finish metabase 60
    finish mlflow 30
    finish kafka 60
    say "nothing of $dir runs any more"
}

case ${1:-} in
    up) up ;;
    down) down ;;
    *) say "usage: scripts/chain.sh up|down"; exit 2 ;;
esac
