"""Run a server that listens on every interface where there is one interface only: loopback.

Run as a program of its own, by path, with nothing but the standard library:

    python -I -S enclosed.py PORT PROGRAM ARGUMENT...
    python -I -S enclosed.py --probe

The server runs in a network namespace of its own, with a loopback interface and nothing else, in
which it may listen as widely as it likes.  This process made its socket before it went there: it
listens on PORT of the loopback interface that everybody knows, and passes on what comes.  Linux
lets every user make such a namespace, within a user namespace, unless the system forbids it.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

LOOPBACK = "127.0.0.1"
READY = "enclosed: passing on to the server"
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_PDEATHSIG = 1
PIECE = 1 << 18
POLL_SECONDS = 0.01


def main() -> int:
    """Enclose ourselves and what we start; answers with the server's exit status."""
    if sys.argv[1] == "--probe":
        enclose()
        return 0
    port, argv = int(sys.argv[1]), sys.argv[2:]
    outside = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    outside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    outside.bind((LOOPBACK, port))
    libc = enclose()
    me = os.getpid()

    def with_us() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != me:
            os._exit(1)

    # The leash has this process's environment and directory right, and its output goes to the log.
    server = subprocess.Popen(argv, preexec_fn=with_us)  # noqa: PLW1509 - no thread runs yet
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    threading.Thread(target=serve, args=(outside, port), daemon=True).start()
    code = server.wait()
    return code if code >= 0 else 128 - code


def enclose() -> ctypes.CDLL:
    """Leave for a network of our own, as the same user, and bring its loopback interface up."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with Path(f"/proc/self/{name}").open("w", encoding="ascii") as file:
            file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
    return libc


def serve(outside: socket.socket, port: int) -> None:
    """Pass on every connection, from when the server listens."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port)):
            break
        time.sleep(POLL_SECONDS)
    outside.listen(128)
    os.write(1, f"{READY}\n".encode())
    while True:
        near, _ = outside.accept()
        try:
            far = socket.create_connection((LOOPBACK, port))
        except OSError:
            near.close()
            continue
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=connect, args=(near, far), daemon=True).start()


def connect(near: socket.socket, far: socket.socket) -> None:
    """Both directions of one connection, to the end of both."""
    with near, far:
        back = threading.Thread(target=pass_on, args=(far, near), daemon=True)
        back.start()
        pass_on(near, far)
        back.join()


def pass_on(from_: socket.socket, to: socket.socket) -> None:
    """One direction of one connection, to its end."""
    piece = bytearray(PIECE)
    view = memoryview(piece)
    with contextlib.suppress(OSError):
        while size := from_.recv_into(piece):
            to.sendall(view[:size])
    # What is still under way in the other direction may end by itself.
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"enclosed: {error.strerror}")
