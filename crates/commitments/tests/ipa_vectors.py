"""The vectors of tests/ipa.rs, calculated without any of the crate's code: affine formulas, generators folded in every round.

    python3 crates/commitments/tests/ipa_vectors.py
"""

import hashlib

P = 0x40000000000000000000000000000000224698FC094CF91B992D30ED00000001  # coordinates
R = 0x40000000000000000000000000000000224698FC0994A8DD8C46EB2100000001  # scalars


def sqrt(a):
    """Tonelli and Shanks. 5 is not a square modulo P."""
    if pow(a, (P - 1) // 2, P) != 1:
        return None
    q, s = P - 1, 0
    while q % 2 == 0:
        q, s = q // 2, s + 1
    m, c, t, r = s, pow(5, q, P), pow(a, q, P), pow(a, (q + 1) // 2, P)
    while t != 1:
        i, power = 0, t
        while power != 1:
            power, i = power * power % P, i + 1
        b = pow(c, 1 << (m - i - 1), P)
        m, c, t, r = i, b * b % P, t * b * b % P, r * b % P
    return r


def add(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return (x, (slope * (a[0] - x) - a[1]) % P)


def times(k, point):
    k, result = k % R, None
    while k:
        if k & 1:
            result = add(result, point)
        point, k = add(point, point), k >> 1
    return result


def msm(scalars, points):
    result = None
    for scalar, point in zip(scalars, points, strict=True):
        result = add(result, times(scalar, point))
    return result


def inner(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) % R


def point_bytes(point):
    if point is None:
        return bytes(32)
    return (point[0] | (point[1] & 1) << 255).to_bytes(32, "little")


def scalar_bytes(scalar):
    return scalar.to_bytes(32, "little")


def generator(index):
    counter = 0
    while True:
        message = b"glassbook/commitments/ipa/generators/1" + index.to_bytes(4, "little") + counter.to_bytes(4, "little")
        x = int.from_bytes(hashlib.sha512(message).digest(), "little") % P
        y = sqrt((x**3 + 5) % P)
        if y is not None:
            return (x, y if y % 2 == 0 else P - y)
        counter += 1


class Transcript:
    def __init__(self, domain):
        self.said = b""
        self.observe("domain", domain.encode())

    def observe(self, label, message):
        self.said += bytes([len(label)]) + label.encode() + len(message).to_bytes(8, "little") + message

    def challenge(self, label):
        self.observe(label, b"")
        digest = hashlib.sha512(self.said).digest()
        self.observe("drawn", digest)
        return int.from_bytes(digest, "little") % R


def prove(coefficients, point, generators, value_generator):
    commitment = msm(coefficients, generators)
    powers = [pow(point, i, R) for i in range(len(coefficients))]
    value = inner(coefficients, powers)
    transcript = Transcript("glassbook/commitments/ipa/1")
    transcript.observe("coefficients", len(coefficients).to_bytes(8, "little"))
    transcript.observe("commitment", point_bytes(commitment))
    transcript.observe("point", scalar_bytes(point))
    transcript.observe("value", scalar_bytes(value))
    base = times(transcript.challenge("value base"), value_generator)
    rounds = b""
    a, b, g = coefficients, powers, generators
    while len(a) > 1:
        h = len(a) // 2
        left = add(msm(a[:h], g[h:]), times(inner(a[:h], b[h:]), base))
        right = add(msm(a[h:], g[:h]), times(inner(a[h:], b[:h]), base))
        transcript.observe("left", point_bytes(left))
        transcript.observe("right", point_bytes(right))
        rounds += point_bytes(left) + point_bytes(right)
        u = transcript.challenge("round")
        v = pow(u, -1, R)
        a = [(x + u * y) % R for x, y in zip(a[:h], a[h:])]
        b = [(x + v * y) % R for x, y in zip(b[:h], b[h:])]
        g = [add(x, times(v, y)) for x, y in zip(g[:h], g[h:])]
    proof = bytes([2, 1, len(coefficients).bit_length() - 1]) + rounds + scalar_bytes(a[0])
    return bytes([1, 1]) + point_bytes(commitment), value, proof


generators = [generator(i) for i in range(1024)]
value_generator = generator(2**32 - 1)
encoded = b"".join(map(point_bytes, generators + [value_generator]))
print("generators", hashlib.sha256(encoded).hexdigest())

coefficients = [pow(3, i + 200, R) for i in range(64)]
commitment, value, proof = prove(coefficients, pow(7, 300, R), generators[:64], value_generator)
print("commitment", commitment.hex())
print("value", scalar_bytes(value).hex())
print("proof", hashlib.sha256(proof).hexdigest())
commitment, value, proof = prove([5, 6], 7, generators[:2], value_generator)
print("small proof", proof.hex())
