"""Runs DynamoDB Local or Kinesis Mock on 127.0.0.1, in a process that ends with LocalStack.

Neither has an option for it: their own command lines listen on every interface.
Arguments: `dynamodb_local` or `kinesis_mock`, LocalStack's process id, and what LocalStack would start.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

LOOPBACK = Path(__file__).with_name("loopback.cjs")
SERVER_RUNNER = "software.amazon.dynamodb.services.local.main.ServerRunner"
JETTY = "org.eclipse.jetty.server.Server"


def dynamodb_local(*arguments: str) -> None:
    """Java's options, `-jar`, the jar, then DynamoDB Local's own. JAVA_HOME names the Java."""
    import jpype

    split = arguments.index("-jar")
    options, jar, settings = arguments[:split], arguments[split + 1], arguments[split + 2 :]
    library = Path(os.environ["JAVA_HOME"], "lib", "server", "libjvm.so")
    # Java does not know TMPDIR, and DynamoDB Local leaves a library of its own there each time.
    jpype.startJVM(str(library), f"-Djava.io.tmpdir={tempfile.gettempdir()}", *options, classpath=[jar])
    server = jpype.JClass(SERVER_RUNNER).createServerFromCommandLineArgs(settings)
    for field in server.getClass().getDeclaredFields():
        if field.getType() == jpype.JClass(JETTY).class_:
            field.setAccessible(True)
            for connector in field.get(server).getConnectors():
                connector.setHost("127.0.0.1")
    server.start()
    server.join()


def kinesis_mock(node: str, *arguments: str) -> None:
    """Node, and what node runs: this process becomes it."""
    os.execvp(node, [node, "--no-deprecation", "--require", str(LOOPBACK), *arguments])


def main(name: str, localstack: str, *arguments: str) -> None:
    from copies import die_with  # type: ignore[import-not-found]  # a sibling while this file is the script

    die_with(int(localstack))
    if name == "dynamodb_local":
        dynamodb_local(*arguments)
    else:
        kinesis_mock(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
