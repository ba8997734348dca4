"""Receipts: proof of what one command did, given a claim; and paths of withdrawals."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Callable, Sequence

from .claim import Claim
from .keccak import keccak256
from .results import Event, Outcome, Withdrawn, decode_content


class VerificationError(ValueError):
    """A proof that does not prove what it is said to."""


def _top(node: Callable[[bytes], bytes], leaf: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    if index >> len(siblings):
        raise VerificationError("the index does not fit the path's length")
    digest = leaf
    for sibling in siblings:
        if len(sibling) != 32:
            raise VerificationError("a sibling is 32 bytes")
        digest = node(sibling + digest) if index & 1 else node(digest + sibling)
        index >>= 1
    return digest


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


@dataclass(frozen=True)
class Receipt:
    """Proof of what one command did. `count` is the number of commands in its batch."""

    sequence: int
    count: int
    content: bytes
    index: int
    siblings: Sequence[bytes]

    def verify(self, claim: Claim) -> tuple[Outcome, list[Event]]:
        """Checks the receipt against a claim, and says what the command did.

        Raises :class:`VerificationError` when the receipt does not belong to the claim.
        """
        # The count fixes the tree's height, and the height tells leaves from nodes.
        if (
            self.index != self.sequence - claim.first_sequence
            or not 0 <= self.index < self.count
            or len(self.siblings) != (self.count - 1).bit_length()
        ):
            raise VerificationError("the receipt's place fits neither its sequence number nor the batch's tree")
        leaf = _sha256(b"\x04" + self.sequence.to_bytes(8, "big") + self.content)
        top = _top(_sha256, leaf, self.index, self.siblings)
        if _sha256(b"\x05" + self.count.to_bytes(8, "big") + top) != claim.events_root:
            raise VerificationError("the receipt does not lead to the claim's events root")
        return decode_content(self.content)


def verify_withdrawal(claim: Claim, withdrawal: Withdrawn, place: int, siblings: Sequence[bytes]) -> None:
    """Checks that a withdrawal, at a place among its batch's, leads to the claim's withdrawals root."""
    leaf = keccak256(
        withdrawal.index.to_bytes(32, "big")
        + withdrawal.owner.rjust(32, b"\0")
        + withdrawal.asset.to_bytes(32, "big")
        + withdrawal.amount.to_bytes(32, "big")
    )
    if _top(keccak256, leaf, place, siblings) != claim.withdrawals_root:
        raise VerificationError("the withdrawal does not lead to the claim's withdrawals root")
