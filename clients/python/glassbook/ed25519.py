"""Ed25519 (RFC 8032), with the `cryptography` package where it is installed.

The code here is the RFC's own way of computing it: correct, and slow (some milliseconds a signature). It does not hide the key
from whoever can measure its time on the same machine; install `cryptography` where that matters.
"""

from __future__ import annotations

from hashlib import sha512
from importlib import import_module
from typing import Any

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]


def _recover_x(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P != 0:
        x = x * _ROOT % _P
    if (x * x - square) % _P != 0:
        return None
    return _P - x if x & 1 != sign else x


def _base() -> _Point:
    y = 4 * pow(5, _P - 2, _P) % _P
    x = _recover_x(y, 0)
    assert x is not None
    return x, y, 1, x * y % _P


_B = _base()
_ZERO: _Point = (0, 1, 1, 0)


def _add(p: _Point, q: _Point) -> _Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(scalar: int, point: _Point) -> _Point:
    result = _ZERO
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _equal(p: _Point, q: _Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


def _compress(p: _Point) -> bytes:
    inverse = pow(p[2], _P - 2, _P)
    x, y = p[0] * inverse % _P, p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decompress(data: bytes) -> _Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = _recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % _P)


def _expand(seed: bytes) -> tuple[int, bytes]:
    if len(seed) != 32:
        raise ValueError("a secret key is 32 bytes")
    digest = sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, digest[32:]


def _number(*parts: bytes) -> int:
    return int.from_bytes(sha512(b"".join(parts)).digest(), "little") % _L


def public_key_slowly(seed: bytes) -> bytes:
    """The public key, computed here."""
    return _compress(_multiply(_expand(seed)[0], _B))


def sign_slowly(seed: bytes, message: bytes) -> bytes:
    """A signature, computed here."""
    scalar, prefix = _expand(seed)
    public = _compress(_multiply(scalar, _B))
    nonce = _number(prefix, message)
    point = _compress(_multiply(nonce, _B))
    answer = (nonce + _number(point, public, message) * scalar) % _L
    return point + answer.to_bytes(32, "little")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is right. As strict as the exchange: canonical values, no points of small order, no cofactor."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, point = _decompress(public), _decompress(signature[:32])
    answer = int.from_bytes(signature[32:], "little")
    if key is None or point is None or answer >= _L:
        return False
    if _equal(_multiply(8, key), _ZERO) or _equal(_multiply(8, point), _ZERO):
        return False
    challenge = _number(signature[:32], public, message)
    return _equal(_multiply(answer, _B), _add(point, _multiply(challenge, key)))


def _library() -> Any:
    try:
        return import_module("cryptography.hazmat.primitives.asymmetric.ed25519").Ed25519PrivateKey
    except ImportError:
        return None


_LIBRARY = _library()


def public_key(seed: bytes) -> bytes:
    """The public key of a secret key of 32 bytes."""
    if _LIBRARY is None:
        return public_key_slowly(seed)
    return bytes(_LIBRARY.from_private_bytes(seed).public_key().public_bytes_raw())


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature over a message."""
    if _LIBRARY is None:
        return sign_slowly(seed, message)
    return bytes(_LIBRARY.from_private_bytes(seed).sign(message))
