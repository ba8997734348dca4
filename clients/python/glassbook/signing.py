"""Who may speak for an account: stream signatures of a session key, and what an owner's wallet signs."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from . import ed25519
from .commands import Command
from .keccak import keccak256


def stream_start(chain_id: int, exchange: bytes, account: int, session: int) -> bytes:
    """The digest that a session's stream begins with. The session number counts the account's registrations."""
    return sha256(
        b"glassbook stream"
        + chain_id.to_bytes(8, "big")
        + exchange
        + account.to_bytes(4, "big")
        + session.to_bytes(8, "big")
    ).digest()


def stream_digest(digest: bytes, command: bytes) -> bytes:
    """The digest after one more command, given in its canonical encoding."""
    return sha256(digest + command).digest()


class StreamSigner:
    """Signs one session's stream of commands. The key never leaves it."""

    def __init__(self, account: int, key: bytes, position: int, digest: bytes) -> None:
        """Goes on where the exchange saw the stream last; `key` is the secret key (seed) of 32 bytes."""
        self.account = account
        self.position = position
        self.digest = digest
        self._key = key
        self.public_key = ed25519.public_key(key)

    def push(self, command: Command) -> bytes:
        """Adds a command to the stream, and gives its encoding back."""
        encoded = command.encode()
        self.digest = stream_digest(self.digest, encoded)
        self.position += 1
        return encoded

    def sign(self) -> bytes:
        """The signature over all commands so far."""
        return ed25519.sign(self._key, self.digest)


def login_digest(chain_id: int, exchange: bytes, account: int, time: int) -> bytes:
    """What a session key signs to follow its account's executions over WebSocket; the time is in milliseconds since 1970."""
    return sha256(
        b"glassbook login "
        + chain_id.to_bytes(8, "big")
        + exchange
        + account.to_bytes(4, "big")
        + time.to_bytes(8, "big")
    ).digest()


def owner_digest(chain_id: int, exchange: bytes, account: int, nonce: int, command: bytes) -> bytes:
    """What an owner signs for one command: the EIP-712 digest of :func:`owner_typed_data`."""

    def word(value: int) -> bytes:
        return value.to_bytes(32, "big")

    domain = keccak256(
        keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
        + keccak256(b"Glassbook")
        + keccak256(b"1")
        + word(chain_id)
        + exchange.rjust(32, b"\0")
    )
    message = keccak256(
        keccak256(b"Authorization(uint32 account,uint64 nonce,bytes command)")
        + word(account)
        + word(nonce)
        + keccak256(command)
    )
    return keccak256(b"\x19\x01" + domain + message)


def owner_typed_data(chain_id: int, exchange: bytes, account: int, nonce: int, command: bytes) -> dict[str, Any]:
    """The same as a wallet's `eth_signTypedData_v4` takes it."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Authorization": [
                {"name": "account", "type": "uint32"},
                {"name": "nonce", "type": "uint64"},
                {"name": "command", "type": "bytes"},
            ],
        },
        "primaryType": "Authorization",
        "domain": {
            "name": "Glassbook",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": "0x" + exchange.hex(),
        },
        "message": {"account": account, "nonce": nonce, "command": "0x" + command.hex()},
    }
