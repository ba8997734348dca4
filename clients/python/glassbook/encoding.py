"""The canonical encoding: minimal LEB128 integers, fixed tags, nothing left over.

Every value has one encoding and every accepted byte string one value, so a hash of the bytes is a hash of the meaning.
"""

from __future__ import annotations

U16 = (1 << 16) - 1
U32 = (1 << 32) - 1
U64 = (1 << 64) - 1


class DecodeError(ValueError):
    """Bytes that are not the canonical encoding of anything."""


class Writer:
    """Appends canonical encodings."""

    def __init__(self) -> None:
        self._out = bytearray()

    def byte(self, value: int) -> None:
        """One byte."""
        self._out.append(value)

    def raw(self, data: bytes, length: int) -> None:
        """Bytes of a fixed length, as they are."""
        if len(data) != length:
            raise ValueError(f"{length} bytes are needed, not {len(data)}")
        self._out += data

    def uint(self, value: int, limit: int = U64) -> None:
        """An unsigned integer: seven bits a byte, least significant first."""
        if not 0 <= value <= limit:
            raise ValueError(f"{value} is not between 0 and {limit}")
        while value >= 0x80:
            self._out.append(value & 0x7F | 0x80)
            value >>= 7
        self._out.append(value)

    def take(self) -> bytes:
        """All that was written."""
        return bytes(self._out)


class Reader:
    """Reads canonical encodings from the front of a byte string."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def raw(self, length: int) -> bytes:
        """The next bytes."""
        if length > self.left:
            raise DecodeError("the input ends inside a value")
        self._at += length
        return self._data[self._at - length : self._at]

    def byte(self) -> int:
        """One byte."""
        return self.raw(1)[0]

    def flag(self) -> bool:
        """A byte that is zero or one."""
        value = self.byte()
        if value > 1:
            raise DecodeError(f"{value} is not a flag")
        return value == 1

    def uint(self, limit: int = U64) -> int:
        """An unsigned integer in its shortest form."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if (byte == 0 and shift > 0) or value > limit:
                    break
                return value
        raise DecodeError("not a minimal integer in range")

    def sint(self) -> int:
        """A signed integer, zigzag-mapped."""
        value = self.uint()
        return (value >> 1) ^ -(value & 1)

    def fixed(self, length: int) -> int:
        """A big-endian integer of a fixed width."""
        return int.from_bytes(self.raw(length), "big")

    def finish(self) -> None:
        """Nothing may be left."""
        if self.left:
            raise DecodeError(f"{self.left} bytes are left over")
