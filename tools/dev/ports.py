"""Ports of this machine: pick free ones, refuse taken ones with a clear message."""

import contextlib
import socket

from .errors import Problem

HOST = "127.0.0.1"


def _bind(port: int) -> socket.socket:
    handle = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        handle.bind((HOST, port))
    except OSError:
        handle.close()
        raise
    return handle


def free(count: int) -> list[int]:
    """Return different ports that are free now."""
    with contextlib.ExitStack() as stack:
        handles = [stack.enter_context(_bind(0)) for _ in range(count)]
        return [handle.getsockname()[1] for handle in handles]


def require(port: int, purpose: str) -> int:
    """Return the port itself when it is free."""
    try:
        _bind(port).close()
    except OSError as error:
        raise Problem(
            f"Port {port} is needed for {purpose} but cannot be used ({error.strerror}).",
            "Stop the program that uses it, or choose others with --port.",
        ) from error
    return port
