"""A service as moto has it, where its own layer is right and fast enough: queues, topics and buckets."""

from __future__ import annotations

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.backends import get_backend
from moto.core.botocore_stubber import BotocoreStubber
from moto.moto_api._internal import mock_random

from harness.errors import NotImitated
from harness.schedule import Seed
from harness.services.base import Reply, Request

_SIGNED = "AWS4-HMAC-SHA256 Credential=embedded/20300101/us-east-1/service/aws4_request"


class Moto:
    """Serves the named operations of one service. moto keeps its state for the whole process: it is emptied first."""

    def __init__(self, service: str, operations: frozenset[str], seed: Seed) -> None:
        self._operations = operations
        self._stubber = BotocoreStubber()
        get_backend(service).reset()
        mock_random.seed(int(seed.draw("moto", service) * 2**32))

    def handle(self, request: Request) -> Reply:
        if request.operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            call = f"{request.service}.{request.operation}"
            raise NotImitated(f"{call} is not imitated by the embedded platform. Known: {known}")
        headers = HTTPHeaders()
        headers["Authorization"] = (
            _SIGNED  # nothing here is signed (harness.hook), and moto shows objects to signers only
        )
        for name, value in request.headers.items():
            headers[name] = value
        answer = self._stubber.process_request(
            AWSPreparedRequest(request.method, request.url, headers, request.body, stream_output=False)
        )
        assert answer is not None
        status, reply_headers, body = answer
        return Reply(status, body.encode() if isinstance(body, str) else body, dict(reply_headers))
