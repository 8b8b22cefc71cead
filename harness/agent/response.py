"""The body of an answer that the harness makes itself, as botocore reads it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class Raw(io.BytesIO):
    """A response body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()
