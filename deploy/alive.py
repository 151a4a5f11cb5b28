"""Health check of a container: exit code 0 when its process says that it lives, else 1 and why.

    python deploy/alive.py [PORT]      default: the private port, EUGPT_METRICS_PORT

Imports nothing that takes time: it runs every few seconds in each container.
"""

import http.client
import os
import sys

TIMEOUT_S = 5


def main(port: int) -> int:
    """Ask /livez of this container's process."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/livez")
        response = connection.getresponse()
        body = response.read(500)
    except (OSError, http.client.HTTPException) as error:
        print(f"port {port} does not answer: {error}")
        return 1
    if response.status != http.HTTPStatus.OK:
        print(f"port {port} answers {response.status}: {body.decode(errors='replace')}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1] if len(sys.argv) > 1 else os.environ["EUGPT_METRICS_PORT"])))
