# shellcheck shell=bash
# Metabase, where its jar is given: its own state in a file, and viewtide's dashboards in it.

# The jar: the one given, else that of last time.
choose_jar() {
    if [ -z "${METABASE_JAR+given}" ]; then cat "$dir/metabase/jar" 2>/dev/null || true; else echo "$METABASE_JAR"; fi
}

start_metabase() {
    choose_port metabase 3000
    echo "$jar" >"$dir/metabase/jar"
    start metabase "$dir/metabase" env MB_JETTY_HOST=127.0.0.1 MB_JETTY_PORT="$(port_of metabase)" MB_DB_TYPE=h2 \
        MB_DB_FILE="$dir/metabase/metabase.db" MB_PLUGINS_DIR="$dir/metabase/plugins" MB_ANON_TRACKING_ENABLED=false \
        MB_CHECK_FOR_UPDATES=false java --add-opens java.base/java.nio=ALL-UNNAMED -jar "$jar"
}

metabase_is_ready() { answers "$(port_of metabase)" /api/health; }

METABASE_ADMIN=admin@viewtide.example

# The administrator's password, made once. No other account can read it.
metabase_password_file() {
    local file=$dir/metabase/admin-password
    [ -s "$file" ] || (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' '-_' >"$file")
    echo "$file"
}

# Dashboards over viewtide's tables. What is there already stays as it is.
provision_metabase() {
    VIEWTIDE_EMAIL=$METABASE_ADMIN VIEWTIDE_PASSWORD_FILE=$(metabase_password_file) \
        "$viewtide" metabase --url "http://127.0.0.1:$(port_of metabase)" --data-dir "$(database_dir)" \
        >"$dir/log/dashboards.log" 2>&1 9>&-
}
