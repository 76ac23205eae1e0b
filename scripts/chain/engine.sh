# shellcheck shell=bash
# `viewtide run`, and the Postgres that it brings.

# Where that Postgres has its data. As root it runs under another account, which may not reach a clone in /root; where it is then is
# chosen once.
database_dir() {
    local elsewhere=$dir/database-dir
    if [ -e "$elsewhere" ]; then
        cat "$elsewhere"
    elif [ -d "$dir/database" ] || [ "$(id -u)" -ne 0 ] || server_account_reaches "$dir"; then
        echo "$dir/database"
    else
        echo "/var/lib/viewtide-up/$(printf %s "$dir" | cksum | cut -d ' ' -f 1)" | tee "$elsewhere"
    fi
}

server_account_reaches() {
    local account
    account=$(id -u postgres 2>/dev/null || id -u nobody)
    setpriv --reuid "$account" --clear-groups test -x "$1"
}

# The process of the Postgres; fails where it does not run. It works in its folder, as no other one does.
postgres_pid() {
    local cluster pid
    cluster=$(database_dir)/postgres
    pid=$(head -n 1 "$cluster/postmaster.pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd")" = "$cluster" ] && echo "$pid"
}

psql_command() {
    local database port
    database=$(database_dir)
    port=$(sed -n 4p "$database/postgres/postmaster.pid")
    echo "PGPASSFILE='$database/pgpass' psql -h 127.0.0.1 -p $port -U viewtide viewtide"
}

# Further flags of `run`: those given, else those of last time.
choose_flags() {
    [ -z "${RUN_FLAGS+given}" ] || echo "$RUN_FLAGS" >"$dir/run-flags"
    cat "$dir/run-flags" 2>/dev/null || true
}

start_engine() {
    local flags
    choose_port page 8088
    read -ra flags <<<"$(choose_flags)"
    start engine "$root" "$viewtide" run --brokers "$(brokers)" --topic "${TOPICS[0]}" --data-dir "$(database_dir)" \
        --forecasts live --mlflow "$(mlflow_uri)" --http "127.0.0.1:$(port_of page)" "${flags[@]}"
}

engine_is_ready() { answers "$(port_of page)" /readyz; }

# Whether the engine that runs has its Postgres, and looks for the others where they are. It would wait for them in vain.
engine_is_whole() {
    postgres_pid >/dev/null && engine_was_told "$(brokers)" && engine_was_told "$(mlflow_uri)"
}

engine_was_told() { grep -qzxF -- "$1" "/proc/$(pid_of engine)/cmdline"; }

# Ends the engine, which ends its Postgres; and that where the engine was killed.
finish_engine() {
    local pid begin=$SECONDS
    finish engine 90
    pid=$(postgres_pid) || return 0
    say "ending postgres"
    # A fast shutdown: whoever is connected is let go, and nothing that was committed is lost.
    kill -INT "$pid"
    while [ "$(postgres_pid)" = "$pid" ]; do
        [ $((SECONDS - begin)) -lt 150 ] || { say "postgres (process $pid) does not end; see $(database_dir)/log/server.log"; exit 1; }
        sleep 0.1
    done
}
