#!/usr/bin/env bash
# Says that the first build of a profile takes long, so that nobody thinks that it hangs. Usage: first-build.sh debug|release
set -euo pipefail
readonly profile=$1
if ! compgen -G "$CARGO_TARGET_DIR/$profile/build/librocksdb-sys-*/out/librocksdb.a" >/dev/null; then
    cat <<TEXT
First $profile build on this machine: RocksDB (C++) compiles once, 10 to 20 minutes on two cores; later builds reuse it.
Primera compilación ($profile) en esta máquina: RocksDB (C++) se compila una vez, 10 a 20 minutos con dos núcleos; luego se reutiliza.
It is not stuck while cargo shows librocksdb-sys. / No está detenida mientras cargo muestra librocksdb-sys.
TEXT
fi
