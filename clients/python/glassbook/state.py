"""State proofs: what a state root says about one key, and so what an account has."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from .encoding import DecodeError, Reader
from .receipt import VerificationError

_END = (1 << 128) - 1
_DEPTH = 32
_LONGEST_VALUE = 1024


def balance_key(account: int, asset: int) -> int:
    """The key of what an account has of an asset."""
    return 0x07 << 120 | account << 16 | asset


@dataclass(frozen=True)
class Balance:
    """What an account has of an asset, in quanta."""

    free: int
    locked: int


@dataclass(frozen=True)
class StateProof:
    """The entry of a key, or the entry just below an absent one, with its path."""

    slot: int
    length: int
    free_head: int
    key: int
    next_key: int
    value: bytes
    siblings: tuple[bytes, ...]

    @staticmethod
    def decode(data: bytes) -> StateProof:
        """Reads the one encoding."""
        r = Reader(data)
        slot, length, free_head = r.fixed(4), r.fixed(4), r.fixed(4)
        key, next_key = r.fixed(16), r.fixed(16)
        size = r.fixed(2)
        if size > _LONGEST_VALUE:
            raise DecodeError(f"a value is at most {_LONGEST_VALUE} bytes")
        value = r.raw(size)
        siblings = tuple(r.raw(32) for _ in range(_DEPTH))
        r.finish()
        return StateProof(slot, length, free_head, key, next_key, value, siblings)

    def verify(self, root: bytes, key: int) -> bytes | None:
        """What the state under `root` has under `key`: its value, or None where it is absent.

        Raises :class:`VerificationError` when the proof does not settle the question.
        """
        if not 0 < key < _END or not self.key <= key < self.next_key:
            raise VerificationError("the proof is of another key")
        if self.slot >= self.length or len(self.value) > _LONGEST_VALUE:
            raise VerificationError("the proof is of no entry")
        entry = self.key.to_bytes(16, "big") + self.next_key.to_bytes(16, "big") + self.value
        # A value of 31 bytes would be as long as a node.
        digest = sha256(b"\x01" + entry + b"\0" if len(self.value) == 31 else b"\x00" + entry).digest()
        for height, sibling in enumerate(self.siblings):
            pair = sibling + digest if self.slot >> height & 1 else digest + sibling
            digest = sha256(pair).digest()
        top = b"\x03" + digest + self.length.to_bytes(4, "big") + self.free_head.to_bytes(4, "big")
        if sha256(top).digest() != root:
            raise VerificationError("the proof does not lead to the state root")
        return self.value if self.key == key else None


def verify_balance(root: bytes, account: int, asset: int, proof: bytes) -> Balance:
    """What an account has of an asset in the state under a root. An absent balance is zero."""
    value = StateProof.decode(proof).verify(root, balance_key(account, asset))
    if value is None:
        return Balance(0, 0)
    r = Reader(value)
    balance = Balance(r.fixed(8), r.fixed(8))
    r.finish()
    return balance
