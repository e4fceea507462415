#!/usr/bin/env python3
"""Tell a `shelfwatch serve` what went over the till, as a point of sale would: one signed CloudEvent a basket.

    SHELFWATCH_SECRET=… python till.py https://HOST:8443/v1/links/till SKU:UNITS …

The secret is that of the link in service.yaml. Needs Python alone.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """As https://www.standardwebhooks.com: HMAC-SHA256 over id, time and body."""
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def tell(url: str, secret: str, kind: str, lines: list, id: str = "", tries: int = 5) -> int:
    """Send one message until it is taken; the status of the answer. Sent again, it keeps its id, so that nothing is
    counted twice: 201 is new, 200 was known."""
    id = id or str(uuid.uuid4())
    event = {
        "specversion": "1.0", "id": id, "source": "till-1", "type": f"store.{kind}",
        "data": {"time": time.time(), "lines": lines},
    }  # fmt: skip
    body = json.dumps(event).encode()
    for attempt in range(tries):
        now = int(time.time())
        headers = {
            "Content-Type": "application/cloudevents+json", "webhook-id": id, "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, id, now, body),
        }  # fmt: skip
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                sys.exit(f"not taken: {error.code} {error.read().decode('utf-8', 'replace')}")
        except OSError as error:
            print(f"no answer ({error}); tried again", file=sys.stderr)
        time.sleep(2**attempt)
    sys.exit("given up")


if __name__ == "__main__":
    basket = [{"sku": sku, "units": float(units)} for sku, _, units in (word.partition(":") for word in sys.argv[2:])]
    print(tell(sys.argv[1], os.environ["SHELFWATCH_SECRET"], "sale", basket))
