# shellcheck shell=bash
# Processes of the chain: started so that they outlive this shell, and found again by their pid files. A part may have children,
# all in the session that it leads; Postgres, which belongs to the engine, has one of its own.

# What all processes of part $1 have in their environment. A number in a pid file may be another process's by now.
mark_of() { echo "VIEWTIDE_UP_PART=$dir/$1"; }

# Whether process $2 is one of part $1. One that has ended, and was not yet waited for, has no environment.
is_of() { grep -qzxF -- "$(mark_of "$1")" "/proc/$2/environ" 2>/dev/null; }

# The process that part $1 was started as; fails where it does not run.
pid_of() {
    local pid
    pid=$(cat "$dir/run/$1.pid" 2>/dev/null) && is_of "$1" "$pid" && echo "$pid"
}

runs() { pid_of "$1" >/dev/null; }

# All processes of part $1, also those whose leader was killed.
processes_of() {
    local leader line fields process
    leader=$(cat "$dir/run/$1.pid" 2>/dev/null) || return 0
    for process in /proc/[0-9]*; do
        { read -r line <"$process/stat"; } 2>/dev/null || continue
        # State, parent, group, session: after the name, which may hold anything.
        read -ra fields <<<"${line##*) }"
        if [ "${fields[3]}" = "$leader" ] && is_of "$1" "${process#/proc/}"; then echo "${process#/proc/}"; fi
    done
}

# Starts part $1 in folder $2; the rest is its command. What it says goes to its log, of which the one before is kept.
start() {
    local part=$1 folder=$2 log=$dir/log/$1.log pid
    shift 2
    say "starting $part"
    [ ! -e "$log" ] || mv "$log" "$log.old"
    # Another session, so that Ctrl-C here is not for it; without the lock, which would be held for as long as it runs.
    env -C "$folder" "$(mark_of "$part")" setsid "$@" >"$log" 2>&1 </dev/null 9>&- &
    pid=$!
    echo "$pid" >"$dir/run/$part.pid"
    started+=("$part")
    until is_of "$part" "$pid" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
}

# Waits until part $1 is ready, which the rest, a command, tells; $2 is the patience in seconds.
await() {
    local part=$1 patience_s=$2 begin=$SECONDS
    shift 2
    until "$@"; do
        expect_running "$part"
        [ $((SECONDS - begin)) -lt "$patience_s" ] || give_up "$part" "was not ready within $patience_s s"
        sleep 0.1
    done
    # It may be another program that answered.
    expect_running "$part"
}

# Gives up where part $1 has ended, or any other that was started.
expect_running() {
    local part
    for part in "$1" "${started[@]}"; do
        runs "$part" || give_up "$part" "ended while it was starting"
    done
}

# Ends this script for part $1, of which the rest is said.
give_up() {
    local log=$dir/log/$1.log
    say "$1 $2; the end of $log:"
    tail -n 25 "$log" | sed 's/^/    /' >&2
    exit 1
}

# Ends part $1; what is still there after $2 seconds is killed. Says nothing where nothing of it runs.
finish() {
    local part=$1 patience_s=$2 begin=$SECONDS signal=TERM pids
    pids=$(processes_of "$part")
    [ -n "$pids" ] || return 0
    say "ending $part"
    while [ -n "$pids" ]; do
        # Several words on purpose: process ids. One may have ended meanwhile.
        # shellcheck disable=SC2086
        [ -z "$signal" ] || kill "-$signal" $pids 2>/dev/null || true
        signal=
        sleep 0.1
        pids=$(processes_of "$part")
        if [ -n "$pids" ] && [ $((SECONDS - begin)) -ge "$patience_s" ]; then
            say "$part did not end within $patience_s s, and is killed"
            signal=KILL
        fi
    done
}
