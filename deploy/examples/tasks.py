#!/usr/bin/env python3
"""Receive restocking tasks of a `shelfwatch serve` and print a line for each, as a task system would.

    SHELFWATCH_SECRET=… python tasks.py 9000

with, in service.yaml, `webhooks: [{name: tasks, url: http://HOST:9000/, secret_file: tasks.secret, types: [task]}]`.
Needs Python alone. What was missed while this was down: POST /v1/outlets/tasks/replay {"after": NUMBER}.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SEEN = set()  # of a system that lives on: a table with a unique column, kept for as long as events are


def genuine(headers, body: bytes, secret: str) -> bool:
    """Whether it was signed with the secret, within the last five minutes."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
        return False
    digest = hmac.new(secret.encode(), f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    return any(hmac.compare_digest(one, expected) for one in headers.get("webhook-signature", "").split())


class Tasks(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 65536))
        if not genuine(self.headers, body, os.environ["SHELFWATCH_SECRET"]):
            self.send_response(401)
        else:
            event = json.loads(body)
            if event["id"] not in SEEN:  # the same event may come again after a crash
                SEEN.add(event["id"])
                task = event["data"]
                print(f"{task['event']:9s} {task['place']:30s} {task['units']:4.0f} x {task['product']}", flush=True)
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_) -> None:
        pass


if __name__ == "__main__":
    HTTPServer(("", int(sys.argv[1])), Tasks).serve_forever()
