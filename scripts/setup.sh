#!/usr/bin/env bash
# Installs what is missing on a bare Debian with a Rust toolchain. Does nothing, quickly, where all is there; may be run
# again and again, and in clones side by side.
#
#   scripts/setup.sh         to build and run: a C and C++ compiler, make, pkg-config, OpenSSL and zlib (librdkafka), PostgreSQL
#   scripts/setup.sh up      beside that for `make up`: Java, Maven, Python 3, and in target/ the jars of Apache Kafka and a tracking
#                            server of MLflow
#   scripts/setup.sh test    beside that for the tests: Chromium, Node.js, and in target/ Prometheus' promtool, what checks scripts,
#                            the Dockerfile and the compose file, and what drives Chromium
#   scripts/setup.sh pages   of that only what clicks through the pages; pictures: with letters for every title
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source-path=SCRIPTDIR/..
. scripts/tools.sh

have() { command -v "$1" >/dev/null 2>&1; }

missing_for_building() {
    have gcc || echo gcc
    have g++ || echo g++
    have make || echo make
    have pkg-config || { echo pkg-config libssl-dev zlib1g-dev; return; }
    pkg-config --exists openssl || echo libssl-dev
    pkg-config --exists zlib || echo zlib1g-dev
}

missing_for_running() {
    # A version installed beside PATH is found by viewtide too.
    { have initdb && have pg_ctl && have postgres; } || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
    have psql || echo postgresql-client
}

missing_for_chain() {
    have java || echo default-jre-headless
    have mvn || echo maven
    have setpriv || echo util-linux
    have python3 || echo python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

missing_for_pages() {
    [ -n "${CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome || echo chromium
    have node || echo nodejs
    have npm || echo npm
}

# Titles of the sample are Korean and have emoji.
missing_for_pictures() {
    { have fc-list && [ -n "$(fc-list :lang=ko)" ]; } || echo fonts-noto-cjk
    { have fc-list && [ -n "$(fc-list :lang=und-zsye)" ]; } || echo fonts-noto-color-emoji
}

# Runs a command as root; what is missing without is said first.
as_root() {
    local missing=$1
    shift
    if ! have apt-get; then
        echo "missing, and no apt-get to install it: $missing" >&2
        exit 1
    fi
    if [ "$(id -u)" -eq 0 ]; then
        "$@" >&2
    elif have sudo; then
        sudo "$@" >&2
    else
        echo "missing: $missing. Neither root nor sudo; as root run: apt-get install --no-install-recommends $missing" >&2
        exit 1
    fi
}

install() {
    echo "installing: $*" >&2
    # One at a time where clones are set up side by side; apt's own locks do not wait for each other everywhere.
    as_root "$*" flock /var/lib/apt env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get -q update && apt-get -q -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@"' install "$@"
}

# The jars of a whole broker, from Maven Central. They appear in target/ whole or not at all.
fetch_kafka() {
    local jars partial
    jars=$(kafka_jars)
    [ ! -d "$jars" ] || return 0
    mkdir -p "$tools" "${HOME:-/tmp}/.m2"
    partial=$(cd "$tools" && pwd)/kafka-partial-$$
    # Maven's local repository does not bear two writers.
    flock "${HOME:-/tmp}/.m2" mvn -q -B -f tests/kafka/pom.xml \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$partial" >&2
    mv -T "$partial" "$jars" 2>/dev/null || rm -rf "$partial"
    [ -d "$jars" ] || { echo "the jars of Apache Kafka did not get to $jars" >&2; exit 1; }
}

# What $1 lists, from PyPI, as a virtual environment $2; whole or not at all, likewise.
fetch_python() {
    local requirements=$1 home=$2 partial
    [ ! -d "$home" ] || return 0
    mkdir -p "$tools"
    partial=$tools/python-partial-$$
    python3 -m venv "$partial" >&2
    "$partial/bin/python" -m pip install -q --disable-pip-version-check --no-deps -r "$requirements" >&2
    # Its own scripts would not bear it; those that are called are programs, or modules.
    mv -T "$partial" "$home" 2>/dev/null || rm -rf "$partial"
    [ -d "$home" ] || { echo "what $requirements lists did not get to $home" >&2; exit 1; }
}

# One program out of Debian's package of Prometheus; the package itself would start a server.
fetch_promtool() {
    local partial
    have promtool && return
    [ ! -x "$tools/promtool" ] || return 0
    mkdir -p "$tools"
    partial=$(mktemp -d)
    (
        cd "$partial"
        apt-get -q download prometheus 2>/dev/null \
            || { as_root prometheus flock /var/lib/apt apt-get -q update && apt-get -q download prometheus; } >&2
        dpkg-deb -x prometheus_*.deb .
    )
    # Beside its place first, so that it is there whole or not at all.
    mv "$partial/usr/bin/promtool" "$tools/promtool-$$"
    mv -T "$tools/promtool-$$" "$tools/promtool"
    rm -rf "$partial"
}

# What drives Chromium and judges pages, by npm; whole or not at all, likewise.
fetch_pages() {
    local home partial
    home=$(pages_home)
    [ ! -d "$home" ] || return 0
    mkdir -p "$tools"
    partial=$tools/pages-partial-$$
    mkdir "$partial"
    cp tests/pages/package.json tests/pages/package-lock.json "$partial"
    npm ci --prefix "$partial" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error >&2
    mv -T "$partial" "$home" 2>/dev/null || rm -rf "$partial"
    [ -d "$home" ] || { echo "what drives Chromium did not get to $home" >&2; exit 1; }
}

if ! have cargo; then
    echo "no cargo: install Rust first, https://rustup.rs" >&2
    exit 1
fi
missing=$(missing_for_building; missing_for_running)
case ${1:-} in
    up) missing+=" $(missing_for_chain)" ;;
    test) missing+=" $(missing_for_chain; missing_for_pages)" ;;
    pages) missing+=" $(missing_for_pages)" ;;
    pictures) missing+=" $(missing_for_pages; missing_for_pictures)" ;;
esac
# Several words on purpose: names of packages.
# shellcheck disable=SC2086
[ -z "${missing// /}" ] || install $missing
case ${1:-} in
    up | test)
        fetch_kafka
        fetch_python tests/mlflow/requirements.txt "$(mlflow_home)"
        ;;&
    test)
        fetch_promtool
        fetch_python tests/checks/requirements.txt "$(checks_home)"
        ;;&
    test | pages | pictures) fetch_pages ;;
esac
