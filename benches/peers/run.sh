#!/usr/bin/env bash
# Installs and runs the peer (django-helpdesk on PostgreSQL), feeds it a trace, prints one JSON line a figure, and takes all away again.
# See README.md.   run.sh [--trace FILE] [--clients 1,16,64] [--seconds 20] [--out FILE]   |   run.sh --check FILE
#
# Everything lives in a folder of its own: the packages below $CARGO_TARGET_DIR/peers (kept), the database and the mail
# folders in a temporary one (removed). WORKERS, THREADS: gunicorn's; MAILBOXES: mail processes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
readonly here
readonly CACHE="${CARGO_TARGET_DIR:-$HOME/.cache/relevo/target}/peers"
readonly WORKERS="${WORKERS:-2}" THREADS="${THREADS:-4}" MAILBOXES="${MAILBOXES:-2}"
readonly READY_SECONDS=60

say() { printf 'peer: %s\n' "$*" >&2; }
die() {
    printf 'peer: %s\n' "$@" >&2
    exit 1
}

if [ "${1:-}" = --check ]; then
    cd "$here"
    exec python3 -c 'import sys, trace
try:
    print(f"{len(trace.read(sys.argv[1]))} lines")
except trace.Wrong as wrong:
    sys.exit(f"peer: {wrong}")' "${2:?--check FILE}"
fi

# The packages, pinned by hash. The stamp is a copy of the list that was installed.
install_packages() {
    cmp -s "$here/requirements.txt" "$CACHE/installed.txt" && [ -x "$CACHE/venv/bin/gunicorn" ] && return 0
    say "installing django-helpdesk (requirements.txt)"
    rm -rf "$CACHE/venv"
    mkdir -p "$CACHE"
    python3 -m venv "$CACHE/venv"
    "$CACHE/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        --requirement "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$CACHE/installed.txt"
}

# Where Debian keeps the server's programs; the newest version wins.
postgres_folder() {
    local folder
    folder=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1)
    [ -n "$folder" ] && [ -x "$folder/initdb" ] && printf '%s' "$folder"
}

install_postgres() {
    postgres_folder >/dev/null && return 0
    command -v apt-get >/dev/null && [ "$(id -u)" -eq 0 ] ||
        die "no PostgreSQL server: install Debian's package postgresql, then repeat"
    say "installing with apt-get: postgresql (without a cluster of its own)"
    apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql-common >&2
    mkdir -p /etc/postgresql-common
    grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf ||
        printf 'create_main_cluster = false\n' >>/etc/postgresql-common/createcluster.conf
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql >&2
}

# PostgreSQL refuses to run as root: then it runs as `nobody`.
as_database_user() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"); else "$@"; fi
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

children=()
clean_up() {
    local child
    for child in "${children[@]}"; do kill -TERM "$child" 2>/dev/null || true; done
    for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
    if [ -f "$work/db/postmaster.pid" ]; then
        as_database_user "$pg/pg_ctl" -D "$work/db" -m fast -w stop >/dev/null 2>&1 || say "the database in $work/db did not stop"
    fi
    rm -rf "$work"
}

start_database() {
    mkdir "$work/db" "$work/socket"
    if [ "$(id -u)" -eq 0 ]; then chown nobody:nogroup "$work/db" "$work/socket"; fi
    as_database_user "$pg/initdb" -D "$work/db" -U helpdesk -A trust --locale=C.UTF-8 -E UTF8 >/dev/null
    # Trust is for this cluster alone: loopback, a free port, gone at the end.
    cat >>"$work/db/postgresql.conf" <<TEXT
listen_addresses = '127.0.0.1'
port = $db_port
unix_socket_directories = '$work/socket'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 1GB
effective_cache_size = 4GB
max_wal_size = 2GB
TEXT
    as_database_user "$pg/pg_ctl" -D "$work/db" -l "$work/db/server.log" -w start >/dev/null || die "PostgreSQL did not start: $(tail -n 5 "$work/db/server.log")"
    as_database_user "$pg/createdb" -h 127.0.0.1 -p "$db_port" -U helpdesk helpdesk
}

install_packages
install_postgres
pg=$(postgres_folder)
work=$(mktemp -d "${TMPDIR:-/tmp}/relevo-peer.XXXXXX")
chmod 755 "$work"
trap clean_up EXIT
trap 'exit 130' INT TERM
db_port=$(free_port)
start_database

export PEER_DB_PORT=$db_port PEER_DB_USER=helpdesk PEER_MEDIA="$work/media" PYTHONPATH="$here/helpdesk" PYTHONDONTWRITEBYTECODE=1
PEER_SECRET=$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')
export PEER_SECRET
readonly python="$CACHE/venv/bin/python"
session=$("$python" "$here/helpdesk/peer_prepare.py" "$MAILBOXES")
folders=()
for ((box = 0; box < MAILBOXES; box++)); do
    mkdir "$work/mail$box"
    folders+=(--mail-dir "$work/mail$box")
    "$python" "$here/helpdesk/peer_mail.py" "mail$box" "$work/mail$box" 2>"$work/mail$box.log" &
    children+=($!)
done
http_port=$(free_port)
"$CACHE/venv/bin/gunicorn" peer_wsgi:application --bind "127.0.0.1:$http_port" --workers "$WORKERS" --threads "$THREADS" \
    --keep-alive 30 --log-level warning --no-control-socket 2>"$work/gunicorn.log" &
server=$!
children+=("$server")
ready=0
for ((i = 0; i < READY_SECONDS * 5; i++)); do
    kill -0 "$server" 2>/dev/null || break
    if curl -fsS -o /dev/null --max-time 5 "http://127.0.0.1:$http_port/helpdesk/login/" 2>/dev/null; then
        ready=1
        break
    fi
    sleep 0.2
done
[ "$ready" = 1 ] || die "gunicorn did not start: $(tail -n 5 "$work/gunicorn.log")"

version=$("$python" -c 'from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in ("django-helpdesk", "Django", "gunicorn", "psycopg")))')
version="$version, $("$pg/postgres" --version | sed 's/ (Debian.*//;s/ (PostgreSQL)//;s/^postgres/PostgreSQL/')"
cd "$here"
"$python" feed.py --port "$http_port" --dsn "host=127.0.0.1 port=$db_port user=helpdesk dbname=helpdesk" --session "$session" \
    "${folders[@]}" --version "$version" \
    --settings "gunicorn workers=$WORKERS threads=$THREADS, mail processes=$MAILBOXES, fsync=on, shared_buffers=1GB, DEBUG off" "$@"
