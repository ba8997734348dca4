"""quickfix, unmodified, against the FIX acceptor. Run with pytest while an exchange with simulated traders runs (see settings.py).

GLASSBOOK_FIX (default 127.0.0.1:7702) says where it listens. `pip install quickfix pytest`.
"""

import hashlib
import hmac
import os
import queue
import tempfile
import time
import uuid
from pathlib import Path

import pytest
import quickfix as fix

from settings import KEY, SECRET, SYMBOL

HOST, PORT = os.environ.get("GLASSBOOK_FIX", "127.0.0.1:7702").split(":")
TARGET = os.environ.get("GLASSBOOK_FIX_COMP_ID", "GLASSBOOK")
DICTIONARY = next(Path(fix.__file__).parents[3].rglob("FIX44.xml"))


class Application(fix.Application):
    """Signs the Logon, and puts what arrives into queues."""

    def __init__(self, secret=SECRET):
        super().__init__()
        self.secret = secret
        self.session = None
        self.online = queue.Queue()
        self.messages = queue.Queue()
        self.admin = []

    def onCreate(self, session):
        self.session = session

    def onLogon(self, session):
        self.online.put(True)

    def onLogout(self, session):
        self.online.put(False)

    def toAdmin(self, message, session):
        header = message.getHeader()
        if header.getField(35) == "A":
            signed = "|".join(header.getField(tag) for tag in (49, 56, 34, 52))
            signature = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
            message.setField(553, KEY)
            message.setField(554, signature)

    def fromAdmin(self, message, session):
        self.admin.append(message.toString().replace("\x01", "|"))

    def toApp(self, message, session):
        pass

    def fromApp(self, message, session):
        self.messages.put(fix.Message(message))


class Client:
    """An initiator with files of its own, so that it may end and go on."""

    def __init__(self, sender, directory, reset="N", secret=SECRET):
        text = f"""
[DEFAULT]
ConnectionType=initiator
BeginString=FIX.4.4
SenderCompID={sender}
TargetCompID={TARGET}
SocketConnectHost={HOST}
SocketConnectPort={PORT}
StartTime=00:00:00
EndTime=00:00:00
NonStopSession=Y
HeartBtInt=5
ReconnectInterval=1
ResetOnLogon={reset}
UseDataDictionary=Y
DataDictionary={DICTIONARY}
ValidateUserDefinedFields=N
FileStorePath={directory}/store
FileLogPath={directory}/log
TimeStampPrecision=6
[SESSION]
"""
        path = Path(directory) / "client.cfg"
        path.write_text(text)
        self.application = Application(secret)
        self.settings = fix.SessionSettings(str(path))
        self.store = fix.FileStoreFactory(self.settings)
        self.log = fix.FileLogFactory(self.settings)
        self.initiator = fix.SocketInitiator(self.application, self.store, self.settings, self.log)

    def start(self):
        self.initiator.start()
        assert self.application.online.get(timeout=15), "\n".join(self.application.admin)
        return self

    def stop(self):
        self.initiator.stop()

    def drop(self):
        """As if the line were cut: no Logout."""
        self.initiator.stop(True)

    def send(self, message):
        assert fix.Session.sendToTarget(message, self.application.session)

    def all(self):
        """All messages that have come and were not waited for."""
        while not self.application.messages.empty():
            yield self.application.messages.get()

    def wait(self, kind, timeout=15, **fields):
        """The next message of a kind with these fields (f41="x")."""
        until, seen = time.monotonic() + timeout, []
        while (left := until - time.monotonic()) > 0:
            try:
                message = self.application.messages.get(timeout=left)
            except queue.Empty:
                break
            if message.getHeader().getField(35) == kind and all(
                get(message, int(tag[1:])) == value for tag, value in fields.items()
            ):
                return message
            seen.append(message.toString().replace("\x01", "|"))
        raise AssertionError(f"no {kind} with {fields}; seen:\n" + "\n".join(seen[-20:]))


def get(message, tag):
    return message.getField(tag) if message.isSetField(tag) else None


def name():
    return uuid.uuid4().hex[:16]


def now():
    return time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())


def build(kind, fields):
    message = fix.Message()
    message.getHeader().setField(8, "FIX.4.4")
    message.getHeader().setField(35, kind)
    for tag, value in fields.items():
        message.setField(tag, str(value))
    return message


def order(cl_ord_id, side, quantity, price=None, life="1", **more):
    fields = {11: cl_ord_id, 55: SYMBOL, 54: side, 38: quantity, 60: now(), 40: 2 if price else 1, 59: life}
    if price:
        fields[44] = price
    fields.update({int(tag[1:]): value for tag, value in more.items()})
    return build("D", fields)


def market_data(request, kind, depth=0, update=1, entries="012", symbol=SYMBOL):
    message = build("V", {262: request, 263: kind, 264: depth, 265: update})
    for entry in entries:
        group = fix.Group(267, 269)
        group.setField(269, entry)
        message.addGroup(group)
    group = fix.Group(146, 55)
    group.setField(55, symbol)
    message.addGroup(group)
    return message


def entries(message, delimiter=269, tags=(279, 269, 270, 271, 278)):
    listed = []
    for at in range(1, int(message.getField(268)) + 1):
        group = fix.Group(268, delimiter)
        message.getGroup(at, group)
        listed.append({tag: get(group, tag) for tag in tags})
    return listed


def best(client):
    """The best bid and ask."""
    client.send(market_data(name(), 0, depth=1, entries="01"))
    levels = entries(client.wait("W", f55=SYMBOL))
    prices = {level[269]: float(level[270]) for level in levels}
    return prices["0"], prices["1"]


@pytest.fixture
def session():
    """All tests share one name, since the sessions of an account are few, and begin again at one."""
    with tempfile.TemporaryDirectory() as directory:
        client = Client("QUICKFIX", directory, reset="Y").start()
        yield client
        client.stop()


def test_orders_rest_are_replaced_and_cancelled(session):
    bid, _ = best(session)
    low, lower = f"{bid * 0.99:.0f}.00", f"{bid * 0.985:.0f}.00"
    first, second, third = name(), name(), name()
    session.send(order(first, 1, "0.01", low))
    new = session.wait("8", f11=first, f150="0")
    assert new.getField(39) == "0" and float(new.getField(151)) == 0.01
    assert int(new.getField(5001)) > 0 and int(new.getField(5002)) > 0
    session.send(build("H", {11: first, 55: SYMBOL, 54: 1, 790: "q1"}))
    status = session.wait("8", f150="I")
    assert (status.getField(790), status.getField(37)) == ("q1", new.getField(37))
    replace = {41: first, 11: second, 55: SYMBOL, 54: 1, 38: "0.02", 44: lower, 40: 2, 60: now()}
    session.send(build("G", replace))
    replaced = session.wait("8", f150="5")
    assert (replaced.getField(11), replaced.getField(41)) == (second, first)
    assert float(replaced.getField(44)) == float(lower) and float(replaced.getField(151)) == 0.02
    session.send(build("F", {41: second, 11: third, 55: SYMBOL, 54: 1, 60: now()}))
    cancelled = session.wait("8", f150="4")
    assert (cancelled.getField(11), cancelled.getField(41), cancelled.getField(39)) == (third, second, "4")
    assert cancelled.getField(37) == new.getField(37)
    session.send(build("F", {41: second, 11: name(), 55: SYMBOL, 54: 1, 60: now()}))
    reject = session.wait("9")
    assert reject.getField(434) == "1" and reject.getField(102) in "01"


def test_orders_are_filled_and_fees_are_told(session):
    taker = name()
    session.send(order(taker, 1, "0.05", life="3"))
    session.wait("8", f11=taker, f150="0")
    filled = quantity = cost = 0
    while filled < 0.05 - 1e-9:
        report = session.wait("8", f11=taker, f150="F")
        quantity, price = float(report.getField(32)), float(report.getField(31))
        filled, cost = filled + quantity, cost + quantity * price
        assert float(report.getField(14)) == pytest.approx(filled)
        assert report.getField(851) == "2" and float(report.getField(12)) >= 0 and report.getField(13) == "3"
    assert report.getField(39) == "2"
    assert float(report.getField(6)) == pytest.approx(cost / filled, rel=1e-6)


def test_kinds_of_orders(session):
    bid, ask = best(session)
    post = name()
    session.send(order(post, 1, "0.01", f"{ask * 1.01:.0f}.00", f18="6"))
    assert "trade at once" in session.wait("8", f11=post, f150="8").getField(58)
    stop = name()
    high = f"{ask * 1.02:.0f}.00"
    session.send(order(stop, 1, "0.01", high, f40="4", f99=high))
    report = session.wait("8", f11=stop, f150="0")
    assert report.getField(40) == "4" and float(report.getField(99)) == float(high)
    fok = name()
    session.send(order(fok, 1, "0.01", f"{bid * 0.99:.0f}.00", life="4"))
    assert session.wait("8", f11=fok, f150="8").getField(103) == "99"
    gtd = name()
    until = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(time.time() + 2))
    session.send(order(gtd, 1, "0.01", f"{bid * 0.99:.0f}.00", life="6", f126=until))
    session.wait("8", f11=gtd, f150="0")
    assert session.wait("8", f11=gtd, f150="C").getField(39) == "C"
    day = name()
    session.send(order(day, 1, "0.01", f"{bid * 0.99:.0f}.00", life="0"))
    assert session.wait("8", f11=day, f150="8").getField(103) == "11"
    session.send(order(day, 1, "0.01234567891", f"{bid * 0.99:.0f}.00"))
    assert session.wait("8", f11=day, f150="8").getField(103) == "13"
    session.send(order(stop, 1, "0.01", high))
    assert session.wait("8", f11=stop, f150="8").getField(103) == "6"
    unknown = order(name(), 1, "0.01", high)
    unknown.setField(55, "NOPE")
    session.send(unknown)
    assert session.wait("8", f55="NOPE").getField(103) == "1"


def test_mass_cancellation(session):
    bid, _ = best(session)
    names = [name() for _ in range(5)]
    for at, each in enumerate(names):
        session.send(order(each, 1, "0.01", f"{bid * 0.99 - at:.0f}.00"))
    for each in names:
        session.wait("8", f11=each, f150="0")
    session.send(build("q", {11: "all", 530: 7, 60: now()}))
    for each in names:
        session.wait("8", f11=each, f150="4")
    report = session.wait("r", f11="all")
    assert report.getField(531) == "7" and int(report.getField(533)) >= 5


def test_market_data(session):
    request = name()
    session.send(market_data(request, 1, depth=10))
    snapshot = session.wait("W", f262=request)
    book = {"0": {}, "1": {}}
    for entry in entries(snapshot):
        if entry[269] in book:
            book[entry[269]][entry[270]] = entry[271]
    trades = changes = 0
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for entry in entries(session.wait("X", f262=request), delimiter=279):
            if entry[269] == "2":
                trades += 1
                continue
            changes += 1
            side = book[entry[269]]
            if entry[279] == "2":
                del side[entry[270]]
            else:
                assert (entry[270] in side) == (entry[279] == "1")
                side[entry[270]] = entry[271]
        bids, asks = (sorted(map(float, book[side])) for side in "01")
        assert len(bids) <= 10 and len(asks) <= 10 and bids[-1] < asks[0]
    assert trades > 0 and changes > 0
    session.send(market_data(request, 2, depth=10))
    session.send(market_data("bad", 1, symbol="NOPE"))
    assert session.wait("Y", f262="bad").getField(281) == "0"
    session.send(build("x", {320: "list", 559: 4}))
    assert int(session.wait("y").getField(393)) >= 1


def test_what_was_missed_is_sent_again():
    """Resting orders are filled, by simulated traders, while their owner is away."""
    with tempfile.TemporaryDirectory() as directory:
        first = Client("QUICKFIX", directory, reset="Y").start()
        bid, ask = best(first)
        resting = {name() for _ in range(10)}
        for each in resting:
            first.send(order(each, 1, "0.001", f"{bid:.0f}.00"))
        first.wait("8", f150="0")
        first.drop()
        # What came before the line was cut is not missed.
        told = {get(message, 11) for message in first.all() if get(message, 150) == "F"}
        time.sleep(10)
        again = Client("QUICKFIX", directory).start()
        assert told < resting, "all were filled before the line was cut"
        while told < resting:
            missed = again.wait("8", f150="F", timeout=20)
            assert (get(missed.getHeader(), 43), missed.getField(851)) == ("Y", "1")
            told.add(missed.getField(11))
        assert any("35=2|" in line or "35=4|" in line for line in again.application.admin + sent(directory))
        # And the session goes on: two heartbeats later nobody has logged out. (quickfix sends by the first session of a name that
        # the process had, so nothing is asked.)
        time.sleep(12)
        assert again.application.online.empty()
        again.stop()


def sent(directory):
    """The messages of a client's log."""
    return [line.replace("\x01", "|") for log in Path(directory, "log").iterdir() for line in log.open(errors="replace")]


def test_strangers_stay_out():
    with tempfile.TemporaryDirectory() as directory:
        stranger = Client("STRANGER", directory, secret="wrong")
        stranger.initiator.start()
        deadline = time.monotonic() + 6
        while time.monotonic() < deadline and not any("35=5|" in line for line in stranger.application.admin):
            time.sleep(0.1)
        stranger.stop()
        assert any("35=5|" in line and "58=" in line for line in stranger.application.admin)
        assert stranger.application.online.empty() or not stranger.application.online.get()
