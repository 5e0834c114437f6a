"""An agent for `scripts/night`: client.py PORT. Asks its service as a model's client does, and says what that says.

Words, streams and exit codes are those of real clients: an API error on stdout, a usage limit as JSON on stderr.
"""

import http.client
import sys

port = int(sys.argv[1])
prompt = sys.stdin.read()
try:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/", prompt.encode())
    answer = connection.getresponse()
    status, body = answer.status, answer.read().decode()
except ConnectionError:
    print("API Error: Unable to connect to API (ConnectionRefused)")
    sys.exit(1)
if status == 200:
    print(body)
elif body.startswith("{"):
    print(body, file=sys.stderr)
    sys.exit(1)
elif status == 401:
    print(f"Failed to authenticate. API Error: 401 {body}")
    sys.exit(1)
else:
    print(f"API Error: {status} {body}")
    sys.exit(1)
