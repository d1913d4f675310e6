"""Generates the messages and stubs of Relevo's protos into gen/, offline, with the protoc inside of grpcio-tools."""

import pathlib
import shutil
import sys

import grpc_tools
from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve().parent
PROTOS = HERE.parent.parent / "proto"
OUT = HERE / "gen"
# A bot needs `bot` and the messages of `command`; check_bots.py also looks on as staff does, with the others.
PACKAGES = ("relevo/bot/v1", "relevo/command/v1", "relevo/query/v1")


def main() -> int:
    files = sorted(str(path.relative_to(PROTOS)) for package in PACKAGES for path in (PROTOS / package).glob("*.proto"))
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    wellknown = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    return protoc.main(
        ["protoc", f"-I{PROTOS}", f"-I{wellknown}", f"--python_out={OUT}", f"--pyi_out={OUT}", f"--grpc_python_out={OUT}", *files]
    )


if __name__ == "__main__":
    sys.exit(main())
