"""The native stream against its own description: every message is what /asyncapi.json says. Run with pytest while an exchange
runs (see settings.py). Needs websockets and jsonschema."""

import hashlib
import hmac
import json
import time
from urllib.request import urlopen

from jsonschema import Draft202012Validator
from websockets.sync.client import connect

from settings import KEY, SECRET, SYMBOL, URL


def test_every_message_is_as_described():
    with urlopen(f"{URL}/asyncapi.json") as answer:
        document = json.load(answer)
    # References into the document resolve where the whole document is the schema.
    validators = {
        name: Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"})
        for name in ("Request", "Response", "Told", "Gap")
    }
    timestamp = int(time.time() * 1000)
    signature = hmac.new(SECRET.encode(), f"apiKey={KEY}&timestamp={timestamp}".encode(), hashlib.sha256)
    login = {"apiKey": KEY, "timestamp": timestamp, "signature": signature.hexdigest()}
    requests = [("authenticate", login), ("ping", None), ("subscribe", {"channel": "gossip"})]
    for channel in ("trades", "depth"):
        requests.append(("subscribe", {"channel": channel, "market": SYMBOL}))
    requests += [("subscribe", {"channel": "commands"}), ("subscribe", {"channel": "batches"})]
    seen = set()
    with connect(URL.replace("http", "ws") + "/api/glassbook/v1/stream") as socket:
        for number, (method, params) in enumerate(requests):
            request = {"id": number, "method": method}
            if params is not None:
                request["params"] = params
            if params != {"channel": "gossip"}:
                validators["Request"].validate(request)
            socket.send(json.dumps(request))
        account = None
        for _ in range(600):
            message = json.loads(socket.recv(timeout=10))
            if "id" in message:
                validators["Response"].validate(message)
                seen.add("error" if "error" in message else "result")
                if message["id"] == 0:
                    account = message["result"]["account"]
                    follow = {"channel": "executions", "account": account}
                    socket.send(json.dumps({"id": 99, "method": "subscribe", "params": follow}))
            else:
                validators["Gap" if "missed" in message else "Told"].validate(message)
                seen.add(message["channel"])
    assert account is not None
    assert {"error", "result", "trades", "depth", "commands"} <= seen, seen
