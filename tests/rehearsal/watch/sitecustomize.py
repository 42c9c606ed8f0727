"""Notes whom Python processes ask beyond the loopback, a line each.

On PYTHONPATH of all of a rehearsal's jobs; REHEARSAL_CONTACTS names the file.
"""

import os
import sys
from pathlib import Path
from typing import Any


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        # Of a socket of the Internet; others have no such address.
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
    else:
        return
    own = ("127.", "localhost", "::1", os.uname().nodename)
    if isinstance(host, str) and host and not host.startswith(own):
        with Path(os.environ["REHEARSAL_CONTACTS"]).open("a", encoding="utf-8") as file:
            file.write(f"{host}, asked by {' '.join(sys.argv[:3])}\n")


if "REHEARSAL_CONTACTS" in os.environ:
    sys.addaudithook(_note)
