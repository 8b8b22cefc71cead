"""One POST to the webhook; an answer that is no success is raised, so that the batch comes again."""

from __future__ import annotations

import os
import urllib.request

SECONDS = 2  # less than the function's timeout


def post(body: str, headers: dict[str, str] | None = None) -> None:
    request = urllib.request.Request(
        os.environ["WEBHOOK_URL"],
        data=body.encode(),
        headers={"Content-Type": "application/json", **(headers or {})},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        answer.read()
