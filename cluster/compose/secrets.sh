#!/usr/bin/env bash
# Makes the passwords that cluster/compose.yml names, each once. Nobody but you can enter the folder. The files in it are for all to
# read, since a container sees them with their own modes and reads them under an account of its own.
set -euo pipefail
secrets=${1:-$(dirname "$0")/../secrets}
mkdir -p "$secrets"
chmod 700 "$secrets"

# Keeps $2 as $1, unless something is there.
keep() {
    [ ! -e "$secrets/$1" ] || return 0
    printf %s "$2" >"$secrets/$1.new"
    chmod 444 "$secrets/$1.new"
    mv "$secrets/$1.new" "$secrets/$1"
}

# Hexadecimal digits only: one of them becomes a part of a URL.
random() { od -An -N 24 -tx1 /dev/urandom | tr -d ' \n'; }

keep postgres-password "$(random)"
keep metabase-database-password "$(random)"
keep metabase-admin-password "$(random)"
keep database-url "postgresql://viewtide:$(cat "$secrets/postgres-password")@postgres/viewtide"
