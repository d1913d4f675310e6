#!/usr/bin/env bash
# What `make live` does: sends one message with real credentials, and waits for the provider's word. Sends to nobody but whom the
# operator names, and refuses to run without being told everything. Usage: BIN=relevo live.sh
#
#   RELEVO_LIVE_CONFIG    configuration file with the channel and its credentials, and the hash of the API key
#   RELEVO_LIVE_CHANNEL   id of the channel to send from
#   RELEVO_LIVE_TO        phone number or mail address that gets the message: your own
#   RELEVO_LIVE_TEMPLATE  WhatsApp: NAME:LANGUAGE of an approved template without variables (default hello_world:en_US)
#   RELEVO_API_KEY        key of an admin of the tenant
set -euo pipefail

: "${BIN:?the relevo binary}"
readonly READY_SECONDS=60 ACCEPTED_SECONDS=60

for name in RELEVO_LIVE_CONFIG RELEVO_LIVE_CHANNEL RELEVO_LIVE_TO RELEVO_API_KEY; do
    if [ -z "${!name:-}" ]; then
        sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
        echo "$name is not set; nothing was sent" >&2
        exit 2
    fi
done
export RELEVO_API_KEY

data=$(mktemp -d)
pid=
# shellcheck disable=SC2329 # called by the trap
finish() {
    if [ -n "$pid" ]; then
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    fi
    rm -rf -- "$data"
}
trap finish EXIT

"$BIN" config check --config "$RELEVO_LIVE_CONFIG"
"$BIN" serve --config "$RELEVO_LIVE_CONFIG" --data-dir "$data" --http-addr 127.0.0.1:0 --grpc-addr 127.0.0.1:0 \
    >"$data/serve.log" 2>&1 &
pid=$!
address() { sed -n "s/^$1=//p" "$data/relevo.addresses" 2>/dev/null; }
ready() { [ -n "$(address http)" ] && curl -fsS -o /dev/null --max-time 2 "$(address http)/readyz" 2>/dev/null; }
for ((i = 0; i < READY_SECONDS * 5; i++)); do
    ready && break
    kill -0 "$pid" 2>/dev/null || { cat "$data/serve.log" >&2; exit 1; }
    sleep 0.2
done
ready || { echo "the broker is not ready" >&2; exit 1; }
RELEVO_SERVER=$(address grpc)
export RELEVO_SERVER

"$BIN" channel check "$RELEVO_LIVE_CHANNEL"
case "$RELEVO_LIVE_TO" in
*@*) what=(--subject 'Relevo' --text 'Relevo: make live') ;;
*)
    what=(--template "${RELEVO_LIVE_TEMPLATE:-hello_world:en_US}")
    # Templates are asked for when the broker starts.
    for ((i = 0; i < READY_SECONDS; i++)); do
        "$BIN" --json template list "$RELEVO_LIVE_CHANNEL" --usable | grep -q '"name"' && break
        sleep 1
    done
    ;;
esac
sent=$("$BIN" --json conversation start "$RELEVO_LIVE_CHANNEL" "$RELEVO_LIVE_TO" "${what[@]}")
conversation=$(grep -o '"conversation_id":"[^"]*"' <<<"$sent" | head -n 1 | cut -d '"' -f 4)
for ((i = 0; i < ACCEPTED_SECONDS; i++)); do
    thread=$("$BIN" --json conversation messages "$conversation")
    state=$(grep -o 'SEND_STATE_[A-Z]*' <<<"$thread" | head -n 1 || true)
    case "$state" in
    SEND_STATE_ACCEPTED | SEND_STATE_SENT | SEND_STATE_DELIVERED | SEND_STATE_READ | SEND_STATE_PLAYED)
        echo "live: 1 message, ${state#SEND_STATE_}"
        exit 0
        ;;
    SEND_STATE_FAILED | SEND_STATE_UNKNOWN | SEND_STATE_CANCELLED) break ;;
    esac
    sleep 1
done
"$BIN" conversation messages "$conversation" >&2
echo "live: not accepted (${state:-nothing})" >&2
exit 1
