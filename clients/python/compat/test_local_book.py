"""Binance's procedure for a local order book: what it makes of a snapshot and of what is told afterwards is what REST shows.
Run with pytest while an exchange with simulated traders runs (see settings.py)."""

import json
import time
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

from settings import SYMBOL, URL, WS_URL

SIDES = {"bids": "b", "asks": "a"}
# As long as this is compared, in seconds.
LONG = 6


def depth(limit):
    with urlopen(f"{URL}/api/v3/depth?symbol={SYMBOL}&limit={limit}", timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("pace", ["", "@100ms"])
def test_the_local_book_is_the_exchanges(pace):
    with connect(f"{WS_URL}/ws/{SYMBOL.lower()}@depth{pace}") as stream:
        event = json.loads(stream.recv(20))
        snapshot = depth(1000)
        last = snapshot["lastUpdateId"]
        assert event["U"] <= last + 1, "what is told begins before the snapshot"
        book = {side: dict(snapshot[side]) for side in SIDES}
        while event["u"] <= last:
            event = json.loads(stream.recv(20))
        assert event["U"] <= last + 1 <= event["u"]
        shown, compared, began, asked = [], 0, time.time(), 0.0
        while time.time() < began + LONG or not compared:
            assert time.time() < began + 10 * LONG, "nothing could be compared"
            before, previous = {side: dict(levels) for side, levels in book.items()}, last
            for side, name in SIDES.items():
                for price, quantity in event[name]:
                    if float(quantity) == 0:
                        book[side].pop(price, None)
                    else:
                        book[side][price] = quantity
            last = event["u"]
            for answer in [answer for answer in shown if previous <= answer["lastUpdateId"] <= last]:
                for side, name in SIDES.items():
                    # Between two events only the levels that the second one tells may be others.
                    told = {price for price, _ in event[name]} if answer["lastUpdateId"] < last else set()
                    mine = book if answer["lastUpdateId"] == last else before
                    theirs = {price: quantity for price, quantity in answer[side] if price not in told}
                    assert theirs == {
                        price: quantity for price, quantity in mine[side].items() if price not in told
                    }
                    compared += 1
            shown = [answer for answer in shown if answer["lastUpdateId"] > last]
            if not shown and time.time() > asked + 0.5:
                asked = time.time()
                shown.append(depth(1000))
                assert all(len(shown[0][side]) < 1000 for side in SIDES), "the whole book"
            event = json.loads(stream.recv(20))
            assert event["U"] == last + 1, "no gap"
