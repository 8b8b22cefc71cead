"""An emulator of somebody else on 127.0.0.1: it answers health paths, and notes every other request that it gets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SERVICES = {"dynamodb": "available", "lambda": "running"}
LOCALSTACK = {"localstack": {"version": "4.14.0", "edition": "community", "services": SERVICES}}
MINISTACK = {
    "localstack": {"version": "1.2.3", "edition": "light", "services": SERVICES},
    "ministack": {"status": "ok", "version": "1.2.3"},
}
FLOCI = {
    "localstack": {"version": "4.0.0", "edition": "community", "services": SERVICES},
    "floci": {"version": "2.0.1", "services": SERVICES},
}
ROBOTOCORE = {
    "localstack": {"version": "4.0.0", "edition": "community", "services": SERVICES},
    "robotocore": {"status": "running"},
}
OTHERS = {"MiniStack 1.2.3": MINISTACK, "Floci 2.0.1": FLOCI, "robotocore 4.0.0": ROBOTOCORE}


@dataclass
class Answering:
    endpoint: str
    asked: list[str] = field(default_factory=list)  # what was no question for its health


@contextmanager
def answering(reports: dict[str, Any]) -> Iterator[Answering]:
    """reports: what each health path answers, by the name in it."""
    bodies = {f"/_{name}/health": json.dumps(report).encode() for name, report in reports.items()}

    class Emulator(BaseHTTPRequestHandler):
        def answer(self) -> None:
            if self.path not in bodies and not self.path.endswith("/health"):
                here.asked.append(f"{self.command} {self.path}")
            body = bodies.get(self.path, b"<Error><Code>NoSuchBucket</Code></Error>")
            self.send_response(200 if self.path in bodies else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Emulator) as server:
        here = Answering(f"http://127.0.0.1:{server.server_address[1]}")
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield here
        finally:
            server.shutdown()
            thread.join()
