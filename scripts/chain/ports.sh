# shellcheck shell=bash
# Ports of 127.0.0.1. The file `ports` has one a line, NAME PORT; what was chosen first is taken again where it is free.

port_of() { sed -n "s/^$1 //p" "$dir/ports"; }

is_free() { ! (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Whether another name than $1 was given port $2.
is_given() { grep -v "^$1 " "$dir/ports" | grep -q " $2\$"; }

# Chooses the port of $1: the one of last time, at first $2, or the next that is free.
choose_port() {
    local name=$1 before wanted port
    before=$(port_of "$name")
    wanted=${before:-$2}
    port=$wanted
    while is_given "$name" "$port" || ! is_free "$port"; do
        port=$((port + 1))
        [ "$port" -le $((wanted + 100)) ] && [ "$port" -le 65535 ] || { say "no port for $name is free from $wanted on"; exit 1; }
    done
    [ "$port" = "$wanted" ] || say "port $wanted is in use; $name takes $port"
    [ "$port" != "$before" ] || return 0
    { grep -v "^$name " "$dir/ports" || true; echo "$name $port"; } >"$dir/ports.new"
    mv "$dir/ports.new" "$dir/ports"
}

# Whether port $1 answers GET $2 with status 200. Not by curl, which a bare system lacks.
answers() (
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    read -r -t 10 _ status _ <&3 && [ "$status" = 200 ]
)
