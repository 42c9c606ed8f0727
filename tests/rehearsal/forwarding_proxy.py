"""A proxy that knows where names lead: it forwards plain requests, and tunnels nothing."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@contextmanager
def forwarding_proxy(leads_to: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the proxy's address, and what is asked of it: ``METHOD ADDRESS``, as it comes in.

    Args:
        leads_to: ``host:port`` that answers whatever the address.
    """
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_CONNECT(self) -> None:
            seen.append(f"CONNECT {self.path}")
            self.send_error(403, "no tunnels here")

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            seen.append(f"{self.command} {self.path}")
            asked = urlsplit(self.path)._replace(scheme="", netloc="").geturl()
            connection = http.client.HTTPConnection(leads_to)
            connection.request(self.command, asked, headers=dict(self.headers))
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
