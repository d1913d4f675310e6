#!/usr/bin/env bash
# Runs the examples against a demo broker of their own, on free ports, in a folder that is removed afterwards.
# Usage: BIN=relevo examples.sh web|python|bot. Ends with the example's own last line and its exit code.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${BIN:?the relevo binary}"
readonly TOOLS="${RELEVO_TOOLS:-$HOME/.cache/relevo/tools}"
readonly PYTHON="$TOOLS/python/bin/python"
readonly READY_SECONDS=60 STOP_SECONDS=30

work=$(mktemp -d)
broker= stand_in=

end() {
    [ -z "$stand_in" ] || kill "$stand_in" 2>/dev/null || true
    if [ -n "$broker" ] && kill -TERM "$broker" 2>/dev/null; then
        for ((i = 0; i < STOP_SECONDS * 10; i++)); do
            kill -0 "$broker" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$broker" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap end EXIT

# Three free ports for pages: two that may call the broker, one that may not; for the bots, the third is the webhook's. One for the
# stand-in of a provider.
ports=$("$PYTHON" -c '
import socket
held = [socket.socket() for _ in range(4)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))')
read -r first second third provider <<<"$ports"
printf '[server]\ncors_origins = ["http://127.0.0.1:%s", "http://127.0.0.1:%s"]\n' "$first" "$second" >"$work/pages.toml"

configs=(--config "$work/pages.toml")
if [ "${1:-}" = bot ]; then
    sed "s/127\.0\.0\.1:8482/127.0.0.1:$provider/; s/127\.0\.0\.1:8483/127.0.0.1:$third/" examples/bot-python/bots.toml >"$work/bots.toml"
    configs+=(--config "$work/bots.toml")
fi

"$BIN" serve --demo "${configs[@]}" --data-dir "$work/data" --http-addr 127.0.0.1:0 --grpc-addr 127.0.0.1:0 \
    </dev/null >"$work/relevo.log" 2>&1 &
broker=$!

address() { sed -n "s/^$1=//p" "$work/data/relevo.addresses" 2>/dev/null; }
for ((i = 0; ; i++)); do
    http=$(address http || true) grpc=$(address grpc || true)
    [ -n "$http" ] && curl -fsS -o /dev/null --max-time 2 "$http/readyz" 2>/dev/null && break
    if [ "$i" -ge $((READY_SECONDS * 5)) ] || ! kill -0 "$broker" 2>/dev/null; then
        echo "examples: the broker did not start" >&2
        tail -n 20 "$work/relevo.log" >&2
        exit 1
    fi
    sleep 0.2
done
"$BIN" demo play --http "$http" --server "$grpc" --timeout 60s >/dev/null

export RELEVO_SERVER="$grpc" RELEVO_HTTP="$http" PORTS="$first,$second,$third"
case "${1:-}" in
python)
    "$PYTHON" examples/python/generate.py
    "$PYTHON" examples/python/check_inbox.py
    ;;
bot)
    "$PYTHON" examples/bot-python/generate.py
    PORTS="$provider,$third" "$PYTHON" examples/bot-python/check_bots.py
    ;;
web)
    "$PYTHON" examples/stand-in/meta.py --listen "127.0.0.1:$provider" --webhook "$http/webhooks/meta/demo" &
    stand_in=$!
    sed "s/127\.0\.0\.1:8482/127.0.0.1:$provider/" examples/stand-in/channel.toml >"$work/channel.toml"
    "$BIN" channel add file "$work/channel.toml" --api-key relevo-demo-admin >/dev/null
    printf 'quick_replies:\n  saludo: { title: Saludo, text: "Hola {contact.name}, soy {agent.name}." }\n' >"$work/workspace.yaml"
    "$BIN" workspace apply "$work/workspace.yaml" --api-key relevo-demo-supervisor >/dev/null
    cd examples/inbox-web
    npm ci --silent --no-progress
    npm run --silent generate
    npm run --silent build
    npm run --silent check
    npm run --silent drive
    ;;
*)
    echo "usage: BIN=relevo $0 web|python|bot" >&2
    exit 2
    ;;
esac
