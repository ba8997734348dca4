"""What a batch claims: thirteen words of 32 bytes, as Solidity's `abi.encode` writes them."""

from __future__ import annotations

from dataclasses import dataclass

from .encoding import U64, DecodeError

CLAIM_BYTES = 13 * 32


@dataclass(frozen=True)
class Claim:
    """What a batch claims, and a proof proves."""

    chain_id: int
    exchange: bytes
    batch: int
    first_sequence: int
    last_sequence: int
    previous_root: bytes
    state_root: bytes
    commands_root: bytes
    events_root: bytes
    l1_position: int
    l1_hash: bytes
    withdrawals_root: bytes
    timestamp: int

    @staticmethod
    def decode(data: bytes) -> Claim:
        """Reads the 416 bytes."""
        if len(data) != CLAIM_BYTES:
            raise DecodeError(f"a claim is {CLAIM_BYTES} bytes, not {len(data)}")
        words = [data[at : at + 32] for at in range(0, CLAIM_BYTES, 32)]

        def number(place: int) -> int:
            value = int.from_bytes(words[place], "big")
            if value > U64:
                raise DecodeError(f"word {place} of the claim does not fit 64 bits")
            return value

        if any(words[1][:12]):
            raise DecodeError("word 1 of the claim is not an address")
        return Claim(
            chain_id=number(0),
            exchange=words[1][12:],
            batch=number(2),
            first_sequence=number(3),
            last_sequence=number(4),
            previous_root=words[5],
            state_root=words[6],
            commands_root=words[7],
            events_root=words[8],
            l1_position=number(9),
            l1_hash=words[10],
            withdrawals_root=words[11],
            timestamp=number(12),
        )

    def encode(self) -> bytes:
        """Writes the 416 bytes."""
        words = (
            self.chain_id,
            self.exchange,
            self.batch,
            self.first_sequence,
            self.last_sequence,
            self.previous_root,
            self.state_root,
            self.commands_root,
            self.events_root,
            self.l1_position,
            self.l1_hash,
            self.withdrawals_root,
            self.timestamp,
        )
        return b"".join(
            word.to_bytes(32, "big") if isinstance(word, int) else word.rjust(32, b"\0") for word in words
        )

    def follows(self, before: Claim) -> bool:
        """Whether the batch begins where another ended."""
        return (
            (self.chain_id, self.exchange) == (before.chain_id, before.exchange)
            and self.batch == before.batch + 1
            and self.first_sequence == before.last_sequence + 1
            and self.previous_root == before.state_root
        )
