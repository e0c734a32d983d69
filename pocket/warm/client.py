"""`python -I -S client.py SOCKET -m module argument…`: as `python -m module argument…`, by a fork of the warm server.

Uses the standard library only and is run by its path, for it must start at once. Without a server it becomes the Python
it stands for.
"""

import json
import os
import signal
import socket
import struct
import sys
from typing import NoReturn


def main(place: str, arguments: list[str]) -> int:
    """Ask for a fork and wait for its end; its exit code."""
    if arguments[:1] != ["-m"]:
        return _cold(arguments)
    try:
        return _ask(place, {"arguments": arguments, "folder": os.getcwd(), "env": dict(os.environ)})  # noqa: PTH109 - os is there already
    except OSError:
        sys.stderr.write("the warm Python does not answer: a cold one is started\n")
        return _cold(arguments)


def _ask(place: str, request: dict[str, object]) -> int:
    folder, _, name = place.rpartition("/")
    with socket.socket(socket.AF_UNIX) as connection:
        os.chdir(folder)  # a socket's path has at most 107 bytes, its name fits
        connection.connect(name)
        body = json.dumps(request).encode()
        line, _ = os.pipe()  # its other end closes when this process ends, whatever ends it, and then the fork ends
        socket.send_fds(connection, [struct.pack("!I", len(body))], [0, 1, 2, line])
        os.close(line)
        connection.sendall(body)
        answer = connection.recv(4)
    if len(answer) < 4:
        return 128 + signal.SIGKILL  # the server was ended; the fork ends with this process
    status: int = struct.unpack("!i", answer)[0]
    return status if status >= 0 else 128 - status


def _cold(arguments: list[str]) -> NoReturn:
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - what was asked for, without a shell


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
