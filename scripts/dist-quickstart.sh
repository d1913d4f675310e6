#!/usr/bin/env bash
# Starts the demo that comes with this archive, plays its sample traffic and prints the inbox. Needs nothing but this folder, bash and
# curl.   quickstart.sh [start|stop]   The data stays in ./data (DATA).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export DATA="${DATA:-$here/data}" BIN="$here/bin/relevo" NATS_SERVER_BIN="$here/bin/nats-server" STOP="$here/quickstart.sh stop"
exec "$here/bin/demo.sh" "${1:-start}"
