"""The native HTTP API (`/api/glassbook/v1`), with nothing but the standard library."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Sequence
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from .claim import Claim
from .commands import Command
from .receipt import Receipt, VerificationError
from .results import Accepted, Done, Event, Outcome, Rejected
from .signing import StreamSigner
from .state import Balance, verify_balance

MAX_ANSWER = 1 << 30
"""Longer answers are not read."""


class ApiError(Exception):
    """The exchange's answer to what it refuses: a stable code, what is wrong, and what to do about it."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{code}: {message} ({remedy})" if remedy else f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.remedy = remedy


class ConnectionFailed(Exception):
    """There is no answer at all."""


def unhex(text: Any) -> bytes:
    """Bytes from hexadecimal digits, with or without 0x before them."""
    if not isinstance(text, str):
        raise ValueError("hexadecimal digits are a string")
    return bytes.fromhex(text[2:] if text.startswith("0x") else text)


@dataclass(frozen=True)
class Acknowledgement:
    """The commands are durable and executed. `batch` is the one that they will be sealed in."""

    first_sequence: int
    batch: int
    timestamp: int
    outcomes: list[Outcome]


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a command did, shown by a path to the events root of its batch's claim.

    Compare the claim with one that you trust: the contract's, a proof's, or one of a batch that you executed.
    """

    sequence: int
    claim: Claim
    outcome: Outcome
    events: list[Event]


@dataclass(frozen=True)
class VerifiedBalances:
    """What an account has in the state after a batch, by asset, shown by paths to the state root of the batch's claim."""

    account: int
    claim: Claim
    balances: dict[int, Balance]


class Client:
    """Speaks to one exchange. Requests are made one after another; use one client a thread."""

    def __init__(self, url: str = "http://127.0.0.1:7700", timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout

    # Requests

    def _ask(self, method: str, path: str, body: Any = None, accept: str = "application/json") -> bytes:
        headers = {"Accept": accept, "User-Agent": "glassbook-python/0.1"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = Request(f"{self.url}{path}", data=data, headers=headers, method=method)
        try:
            with urlopen(request, timeout=self.timeout) as answer:
                read: bytes = answer.read(MAX_ANSWER + 1)
        except HTTPError as error:
            raise _refusal(error.code, error.read(1 << 16)) from None
        except (URLError, TimeoutError, ConnectionError) as error:
            raise ConnectionFailed(f"{self.url}: {error}") from error
        if len(read) > MAX_ANSWER:
            raise ConnectionFailed(f"{self.url}{path}: the answer is longer than {MAX_ANSWER} bytes")
        return read

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer to a GET of any path, with a query."""
        asked = {name: value for name, value in query.items() if value is not None}
        return json.loads(self._ask("GET", f"{path}?{urlencode(asked)}" if asked else path))

    def _native(self, path: str, **query: Any) -> Any:
        return self.get(f"/api/glassbook/v1{path}", **query)

    # The exchange, its markets

    def exchange(self) -> dict[str, Any]:
        """What exchange it is: chain, contract, markets, assets, what stands behind its proofs."""
        found: dict[str, Any] = self._native("/exchange")
        return found

    def depth(self, symbol: str, limit: int = 100) -> dict[str, Any]:
        """The best levels of a market's book: ``{"lastUpdateId", "bids", "asks"}``, prices as decimal strings."""
        found: dict[str, Any] = self.get("/api/v3/depth", symbol=symbol, limit=limit)
        return found

    def trades(self, symbol: str, limit: int = 500) -> list[dict[str, Any]]:
        """The newest trades of a market."""
        found: list[dict[str, Any]] = self.get("/api/v3/trades", symbol=symbol, limit=limit)
        return found

    # Accounts

    def account(self, account: int) -> dict[str, Any]:
        """Owner, session key, stream, nonce of an account."""
        found: dict[str, Any] = self._native(f"/accounts/{account}")
        return found

    def account_of(self, owner: str) -> int:
        """The account of an owner's address."""
        return int(self._native(f"/owners/{quote(owner)}")["account"])

    def signer(self, account: int, key: bytes) -> StreamSigner:
        """A signer that goes on where the exchange saw the account's stream last."""
        stream = self.account(account)["stream"]
        return StreamSigner(account, key, int(stream["position"]), unhex(stream["digest"]))

    # Orders

    def submit(self, signer: StreamSigner, commands: Sequence[Command]) -> Acknowledgement:
        """Signs commands and hands them in, all or none. If they are refused, the signer is where it was."""
        before = signer.position, signer.digest
        body = {
            "commands": [{"account": signer.account, "command": signer.push(command).hex()} for command in commands],
            "signatures": [{"account": signer.account, "signature": signer.sign().hex()}],
        }
        try:
            answer = json.loads(self._ask("POST", "/api/glassbook/v1/streams", body))
        except ApiError:
            signer.position, signer.digest = before
            raise
        return Acknowledgement(
            first_sequence=int(answer["firstSequence"]),
            batch=int(answer["batch"]),
            timestamp=int(answer["timestamp"]),
            outcomes=[_outcome(outcome) for outcome in answer["outcomes"]],
        )

    def order(self, order: int) -> dict[str, Any]:
        """An order, and how far its batch is: accepted, sealed, available, committed, proved, final."""
        found: dict[str, Any] = self._native(f"/orders/{order}")
        return found

    def command(self, sequence: int) -> dict[str, Any]:
        """A command's batch, and how far that is."""
        found: dict[str, Any] = self._native(f"/commands/{sequence}")
        return found

    def wait_until_sealed(self, sequence: int, patience: float = 30.0) -> int:
        """Waits until a command's batch is sealed; its number."""
        end = time.monotonic() + patience
        while True:
            try:
                return int(self.command(sequence)["batch"]["batch"])
            except ApiError as error:
                if error.code != "not_sealed" or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    # Batches and proofs

    def batch(self, batch: int) -> dict[str, Any]:
        """How far a batch is."""
        found: dict[str, Any] = self._native(f"/batches/{batch}")
        return found

    def sealed_batch(self, batch: int) -> bytes:
        """The file of a sealed batch: commands, signatures, witness. `glassbook batch verify` executes it again."""
        return self._ask("GET", f"/api/glassbook/v1/batches/{batch}/sealed", accept="application/octet-stream")

    def proof(self, batch: int) -> bytes:
        """The file of the proof that covers a batch; :class:`ApiError` with the code `no_proof` while there is none."""
        return self._ask("GET", f"/api/glassbook/v1/batches/{batch}/proof", accept="application/octet-stream")

    def receipt(self, sequence: int) -> VerifiedReceipt:
        """The receipt of a command, checked against the claim that comes with it."""
        found = self._native(f"/receipts/{sequence}")
        claim = Claim.decode(unhex(found["claim"]))
        path = found["path"]
        receipt = Receipt(
            sequence=sequence,
            count=int(found["count"]),
            content=unhex(found["content"]),
            index=int(path["index"]),
            siblings=[unhex(sibling) for sibling in path["siblings"]],
        )
        outcome, events = receipt.verify(claim)
        return VerifiedReceipt(sequence, claim, outcome, events)

    def balances(self, account: int, batch: int | None = None) -> VerifiedBalances:
        """What an account has after a batch, each balance checked against the claim that comes with it."""
        found = self._native(f"/accounts/{account}/balance-proof", batch=batch)
        claim = Claim.decode(unhex(found["claim"]))
        if batch is not None and claim.batch != batch:
            raise VerificationError(f"the proofs are of batch {claim.batch}, not of batch {batch}")
        balances = {
            int(entry["asset"]): verify_balance(
                claim.state_root, account, int(entry["asset"]), unhex(entry["proof"])
            )
            for entry in found["balances"]
        }
        return VerifiedBalances(account, claim, balances)


def _refusal(status: int, body: bytes) -> ApiError:
    try:
        found = json.loads(body)
        if "msg" in found:
            return ApiError(status, str(found["code"]), str(found["msg"]), "")
        return ApiError(status, str(found["code"]), str(found["message"]), str(found.get("remedy", "")))
    except (ValueError, KeyError, TypeError):
        return ApiError(status, "unreadable", f"status {status} without a body that says why", "")


def _outcome(found: dict[str, Any]) -> Outcome:
    kind = found["result"]
    if kind == "accepted":
        return Accepted(int(found["order"]))
    if kind == "rejected":
        return Rejected(int(found["code"]))
    if kind == "done":
        return Done()
    raise ValueError(f"{kind} is not an outcome")
