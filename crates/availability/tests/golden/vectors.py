#!/usr/bin/env python3
"""Calculates the golden vectors of the crate `availability` from the definitions alone; prints them as JSON.

    python3 crates/availability/tests/golden/vectors.py > crates/availability/tests/golden/vectors.json

Nothing here is shared with the crate or with its libraries: BLAKE3 after its specification, the field from its polynomial and
Cantor basis, the code from Lagrange's formula instead of transforms, the evaluation as a sum of powers instead of Horner's rule.
"""

import json

# BLAKE3 (the specification's section 2).

IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT, KEYED, CONTEXT, MATERIAL = 1, 2, 4, 8, 16, 32, 64
MASK = 0xFFFFFFFF


def words(data):
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def compress(chaining, block, counter, length, flags):
    state = chaining + IV[:4] + [counter & MASK, counter >> 32, length, flags]

    def mix(a, b, c, d, x, y):
        for turn_d, turn_b, word in ((16, 12, x), (8, 7, y)):
            state[a] = (state[a] + state[b] + word) & MASK
            state[d] ^= state[a]
            state[d] = (state[d] >> turn_d | state[d] << (32 - turn_d)) & MASK
            state[c] = (state[c] + state[d]) & MASK
            state[b] ^= state[c]
            state[b] = (state[b] >> turn_b | state[b] << (32 - turn_b)) & MASK

    for _ in range(7):
        for column in range(4):
            mix(column, 4 + column, 8 + column, 12 + column, block[2 * column], block[2 * column + 1])
        for at in range(4):
            mix(at, 4 + (at + 1) % 4, 8 + (at + 2) % 4, 12 + (at + 3) % 4, block[8 + 2 * at], block[9 + 2 * at])
        block = [block[at] for at in PERMUTATION]
    return [state[at] ^ state[at + 8] for at in range(8)] + [state[at + 8] ^ chaining[at] for at in range(8)]


def node(key, data, first_chunk, flags):
    """The arguments of the last compression of a subtree."""
    if len(data) <= 1024:
        blocks = [data[at : at + 64] for at in range(0, len(data), 64)] or [b""]
        chaining = key
        for at, block in enumerate(blocks):
            its_flags = flags | (CHUNK_START if at == 0 else 0) | (CHUNK_END if at == len(blocks) - 1 else 0)
            arguments = chaining, words(block.ljust(64, b"\0")), first_chunk, len(block), its_flags
            chaining = compress(*arguments)[:8]
        return arguments
    chunks = (len(data) + 1023) // 1024
    left = 1 << ((chunks - 1).bit_length() - 1)
    children = [
        compress(*node(key, data[: left * 1024], first_chunk, flags))[:8],
        compress(*node(key, data[left * 1024 :], first_chunk + left, flags))[:8],
    ]
    return key, children[0] + children[1], 0, 64, flags | PARENT


def blake3(key, data, flags, length=32):
    chaining, block, _, block_length, its_flags = node(key, data, 0, flags)
    output = b""
    counter = 0
    while len(output) < length:
        output += b"".join(
            word.to_bytes(4, "little") for word in compress(chaining, block, counter, block_length, its_flags | ROOT)
        )
        counter += 1
    return output[:length]


def derive(purpose, material, length=32):
    context = blake3(IV, f"glassbook availability v1 {purpose}".encode(), CONTEXT)
    return blake3(words(context), material, MATERIAL, length)


def keyed(key, data):
    return blake3(words(key), data, KEYED)


assert blake3(IV, b"", 0).hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"

# GF(2^16): polynomials modulo x^16 + x^5 + x^3 + x^2 + 1, written in Cantor's basis.

CANTOR = [0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E, 0x914C, 0x4012]
CANTOR += [0x6C98, 0x10D8, 0x6A72, 0xB900, 0xFDB8, 0xFB34, 0xFF38, 0x991E]


def to_polynomial(symbol):
    value = 0
    for bit in range(16):
        if symbol >> bit & 1:
            value ^= CANTOR[bit]
    return value


TO_POLYNOMIAL = [to_polynomial(symbol) for symbol in range(1 << 16)]
FROM_POLYNOMIAL = {value: symbol for symbol, value in enumerate(TO_POLYNOMIAL)}


def times(a, b):
    a, b = TO_POLYNOMIAL[a], TO_POLYNOMIAL[b]
    product = 0
    while b:
        if b & 1:
            product ^= a
        b >>= 1
        a <<= 1
        if a >> 16:
            a ^= 0x1002D
    return FROM_POLYNOMIAL[product]


def inverse(a):
    result, exponent = 1, (1 << 16) - 2
    while exponent:
        if exponent & 1:
            result = times(result, a)
        a = times(a, a)
        exponent >>= 1
    return result


# The code: parity symbol j is Lagrange's sum of the data symbols.


def power_of_two(count):
    return 1 << (count - 1).bit_length()


def coefficient(data, parity, j, i):
    """With which parity symbol j has data symbol i."""
    data_space, parity_space = power_of_two(data), power_of_two(parity)
    high = data_space > parity_space or (data_space == parity_space and data <= parity)
    space, x, y = (parity_space, j, parity_space + i) if high else (data_space, data_space + j, i)
    # Of the space V = 0..space: the product of z + v for the one of x, y outside V, over the product of all v but 0.
    numerator, denominator = 1, x ^ y
    for v in range(space):
        numerator = times(numerator, (y if high else x) ^ v)
        if v:
            denominator = times(denominator, v)
    return times(numerator, inverse(denominator))


def encode(data_shards, parity):
    """Parity shards, from shards as lists of symbols."""
    shards = []
    for j in range(parity):
        shard = [0] * len(data_shards[0])
        for i, data_shard in enumerate(data_shards):
            weight = coefficient(len(data_shards), parity, j, i)
            for at, symbol in enumerate(data_shard):
                shard[at] ^= times(weight, symbol)
        shards.append(shard)
    return shards


def symbols(shard):
    """A shard's symbols: in each block of 64 bytes 32 low bytes, then 32 high ones."""
    return [
        shard[block + lane] | shard[block + 32 + lane] << 8 for block in range(0, len(shard), 64) for lane in range(32)
    ]


def to_bytes(shard):
    return b"".join(
        bytes(symbol & 255 for symbol in shard[at : at + 32]) + bytes(symbol >> 8 for symbol in shard[at : at + 32])
        for at in range(0, len(shard), 32)
    )


# GF(2^128): X^2 = X + c, Y^2 = Y + cX, Z^2 = Z + cXY, c = 0x8000.


def tower(a, b):
    if len(a) == 1:
        return [times(a[0], b[0])]
    half = len(a) // 2
    (a0, a1), (b0, b1) = (a[:half], a[half:]), (b[:half], b[half:])
    add = lambda p, q: [s ^ t for s, t in zip(p, q)]
    constant = [0] * (half - 1) + [0x8000]
    both = tower(a1, b1)
    low = add(tower(a0, b0), tower(both, constant))
    high = add(add(tower(a0, b1), tower(a1, b0)), both)
    return low + high


def evaluate(shard, point):
    """The shard's value: element l of block b counts with the power 32 (E - 1 - b) + l of the point."""
    padded = shard + [0] * (-len(shard) % 256)
    blocks = len(padded) // 256
    value = [0] * 8
    powers = [[1] + [0] * 7]
    for _ in range(32 * blocks - 1):
        powers.append(tower(powers[-1], point))
    for b in range(blocks):
        for lane in range(32):
            element = [padded[256 * b + 32 * coordinate + lane] for coordinate in range(8)]
            term = tower(element, powers[32 * (blocks - 1 - b) + lane])
            value = [s ^ t for s, t in zip(value, term)]
    return value


def element_bytes(element):
    return b"".join(symbol.to_bytes(2, "little") for symbol in element)


# The commitment.


def vector(data, parity, payload):
    length = max(1, -(-len(payload) // (64 * data))) * 64
    padded = payload.ljust(data * length, b"\0")
    shards = [symbols(padded[at : at + length]) for at in range(0, data * length, length)]
    shards += encode(shards, parity)

    leaf_key, node_key = derive("leaf", b""), derive("node", b"")
    levels = [[keyed(leaf_key, to_bytes(shard)) for shard in shards]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(
            [
                keyed(node_key, below[at] + below[at + 1]) if at + 1 < len(below) else below[at]
                for at in range(0, len(below), 2)
            ]
        )
    root = levels[-1][0]

    start = b"\1" + data.to_bytes(2, "little") + parity.to_bytes(2, "little") + len(payload).to_bytes(8, "little") + root
    drawn = derive("challenges", start, 32)
    points = [[int.from_bytes(drawn[16 * c + 2 * t :][:2], "little") for t in range(8)] for c in range(2)]
    combination = b"\1" + b"".join(
        element_bytes(evaluate(shard, point)) for shard in shards[:data] for point in points
    )
    header = start + derive("combination", combination)

    samples = []
    for index, shard in enumerate(shards):
        path = [level[index >> up ^ 1] for up, level in enumerate(levels) if index >> up ^ 1 < len(level)]
        samples.append(b"\1" + index.to_bytes(2, "little") + b"".join(path) + to_bytes(shard))
    return {
        "data": data,
        "parity": parity,
        "payload": payload.hex(),
        "commitment": derive("commitment", header).hex(),
        "header": header.hex(),
        "challenges": drawn.hex(),
        "combination": combination.hex(),
        "samples": [sample.hex() for sample in samples],
    }


def payload(length):
    """Bytes without a pattern, made of what is here already."""
    return blake3(IV, length.to_bytes(4, "little"), 0, length)


if __name__ == "__main__":
    cases = [(1, 1, 0), (3, 2, 200), (5, 3, 1), (2, 7, 1500), (4, 3, 2048), (3, 5, 4000), (6, 6, 6000), (9, 4, 1000)]
    print(json.dumps([vector(data, parity, payload(length)) for data, parity, length in cases], indent=1))
