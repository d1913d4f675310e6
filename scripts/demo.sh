#!/usr/bin/env bash
# What `make run` and `make stop` do with the demo's broker. Usage: DATA=dir BIN=relevo demo.sh start|stop. STOP is the command that
# people are told to stop it with.
#
# One broker a data folder: `start` leaves a running one alone, and restarts it when the binary is newer than the process.
# The folder's content is never removed here.
set -euo pipefail

: "${DATA:?the data folder}" "${BIN:?the relevo binary}"
readonly PID_FILE="$DATA/relevo.pid" LOG_FILE="$DATA/relevo.log" ADDRESSES="$DATA/relevo.addresses"
readonly READY_SECONDS=60 STOP_SECONDS=30

# The same choice as the binary's: Spanish unless the locale says another language.
case "${RELEVO_LANG:-${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}}" in
es* | ES* | "" | C | C.* | POSIX) readonly ES=1 ;;
*) readonly ES=0 ;;
esac
# `t español english`: the text in the reader's language.
t() { if [ "$ES" = 1 ]; then printf '%s\n' "$1"; else printf '%s\n' "$2"; fi; }

# The running broker's process id, if it is one of ours (a reused number is not).
running() {
    local pid
    [ -f "$PID_FILE" ] && pid=$(cat "$PID_FILE") && [ -n "$pid" ] || return 1
    kill -0 "$pid" 2>/dev/null || return 1
    case "$(ps -p "$pid" -o args= 2>/dev/null)" in *relevo*serve*) printf '%s' "$pid" ;; *) return 1 ;; esac
}

stop() {
    local pid
    if ! pid=$(running); then
        rm -f "$PID_FILE"
        return 0
    fi
    kill -TERM "$pid"
    for ((i = 0; i < STOP_SECONDS * 10; i++)); do
        if ! kill -0 "$pid" 2>/dev/null; then
            rm -f "$PID_FILE"
            t "Relevo detenido (proceso $pid). Los datos quedan en $DATA" "Relevo stopped (process $pid). The data stays in $DATA"
            return 0
        fi
        sleep 0.1
    done
    t "Relevo (proceso $pid) no terminó en $STOP_SECONDS s; mira $LOG_FILE" "Relevo (process $pid) did not end within $STOP_SECONDS s; see $LOG_FILE" >&2
    return 1
}

# `address http|grpc`: what the broker wrote down, or the default.
address() {
    local found
    found=$(sed -n "s/^$1[ =:]*//p" "$ADDRESSES" 2>/dev/null | tail -n 1)
    case "$1" in
    http) found=${found:-127.0.0.1:8480} ;;
    *) found=${found:-127.0.0.1:8481} ;;
    esac
    printf 'http://%s' "${found#http://}"
}

failed_start() {
    t "Relevo no arrancó. Últimas líneas de $LOG_FILE:" "Relevo did not start. Last lines of $LOG_FILE:" >&2
    tail -n 20 "$LOG_FILE" >&2
    exit 1
}

start() {
    local pid
    mkdir -m 700 -p "$DATA"
    if pid=$(running) && [ "$BIN" -nt "$PID_FILE" ]; then
        t "El binario cambió: se reinicia Relevo" "The binary has changed: restarting Relevo"
        stop
    fi
    if pid=$(running); then
        t "Relevo ya está en marcha (proceso $pid)" "Relevo is already running (process $pid)"
    else
        rm -f "$ADDRESSES"
        # A session of its own: Ctrl-C at the terminal that ran `make run` is not meant for the broker.
        nohup $(command -v setsid || true) "$BIN" serve --demo --data-dir "$DATA" </dev/null >>"$LOG_FILE" 2>&1 &
        pid=$!
        printf '%s\n' "$pid" >"$PID_FILE"
        t "Relevo arranca (proceso $pid, registro en $LOG_FILE)" "Relevo is starting (process $pid, log in $LOG_FILE)"
    fi
    for ((i = 0; i < READY_SECONDS * 5; i++)); do
        kill -0 "$pid" 2>/dev/null || failed_start
        if [ -s "$ADDRESSES" ] && curl -fsS -o /dev/null --max-time 2 "$(address http)/readyz" 2>/dev/null; then
            show
            return 0
        fi
        sleep 0.2
    done
    failed_start
}

show() {
    local http grpc relevo
    http=$(address http) grpc=$(address grpc) relevo="$BIN"
    # With the demo's own key: who took the tour has another one in the environment, which may not see all that is shown here.
    env -u RELEVO_API_KEY "$relevo" demo play --http "$http" --server "$grpc" --timeout 60s --list
    echo
    t "Webhooks y estado:  $http   ($http/readyz, $http/metrics)" "Webhooks and health: $http   ($http/readyz, $http/metrics)"
    t "gRPC:               $grpc" "gRPC:                $grpc"
    echo
    t "Para seguir:" "To go on:"
    cat <<TEXT
  export PATH="$(dirname "$relevo"):\$PATH" RELEVO_SERVER=$grpc RELEVO_API_KEY=relevo-demo-supervisor
  relevo conversation list
  relevo conversation messages cnv_…
  relevo conversation pause cnv_… --reason complaint --note "…"
  relevo pause list
  ${STOP:-make stop}
TEXT
}

case "${1:-}" in
start) start ;;
stop) stop ;;
*)
    echo "usage: DATA=dir BIN=relevo $0 start|stop" >&2
    exit 2
    ;;
esac
