"""Runs DynamoDB Local on 127.0.0.1, in a process that ends with LocalStack.

Its own command line listens on every interface and has no option for it. Arguments: LocalStack's process id, the
Java options, `-jar`, the jar, then DynamoDB Local's own. JAVA_HOME names the Java.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import jpype

SERVER_RUNNER = "software.amazon.dynamodb.services.local.main.ServerRunner"
JETTY = "org.eclipse.jetty.server.Server"


def main(parent: int, arguments: list[str]) -> None:
    from parent import die_with  # type: ignore[import-not-found]  # a sibling while this file is the script

    die_with(parent)
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


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
