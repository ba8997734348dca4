"""Calculates the vectors of golden.rs without any of Glassbook's code.

    pip install eth-account eth-abi && python golden.py
"""

from hashlib import sha256

from eth_abi import encode
from eth_account.messages import encode_typed_data
from eth_utils import keccak

CHAIN, EXCHANGE = 31_337, b"\xee" * 20


def h(data):
    return sha256(data).digest()


def leb(value):
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def merkle(leaves, node):
    while len(leaves) > 1:
        leaves = leaves + [bytes(32)] * (len(leaves) % 2)
        leaves = [node(leaves[i] + leaves[i + 1]) for i in range(0, len(leaves), 2)]
    return leaves[0] if leaves else bytes(32)


def show(name, value):
    print(f"{name} {value.hex()}")


# The claim: thirteen static words.
show(
    "claim",
    keccak(
        encode(
            ["uint64", "address", "uint64", "uint64", "uint64"]
            + ["bytes32"] * 4
            + ["uint64", "bytes32", "bytes32", "uint64"],
            [CHAIN, EXCHANGE, 7, 101, 2**64 - 1]
            + [bytes([n]) * 32 for n in (1, 2, 3, 4)]
            + [9, b"\x05" * 32, b"\x06" * 32, 1_700_000_000_000_000],
        )
    ),
)

# The commands root, over 2,500 bytes.
blob = bytes(n * 7 % 256 for n in range(2500))
top = merkle([h(b"\x06" + blob[i : i + 1024]) for i in range(0, len(blob), 1024)], h)
show("commands", h(b"\x07" + len(blob).to_bytes(8, "big") + top))

# The events root, over three commands from number 100: accepted as 7, a deposit, rejected with 400.
contents = [b"\x01\x07", b"\x00" + b"\x09" + leb(300) + leb(2) + leb(5_000_000), b"\x02" + leb(400)]
leaves = [h(b"\x04" + (100 + n).to_bytes(8, "big") + content) for n, content in enumerate(contents)]
show("events", h(b"\x05" + (3).to_bytes(8, "big") + merkle(leaves, h)))

# The L1 queue's rolling hash, over one entry of each kind.
key = b"\x77" * 32
entries = [
    (3, 0, (b"\xaa" * 20).rjust(32, b"\0"), 1, 10**18),
    (3, 1, (1).to_bytes(32, "big"), 2**64 - 1, 0),
    (4, 2, (0).to_bytes(32, "big"), 0, 0),
    (5, 2, (8).to_bytes(32, "big"), 2, 0),
    (5, 3, key, 2**64 - 1, 0),
]
rolling = bytes(32)
for position, (account, kind, a, b, c) in enumerate(entries):
    types = ["bytes32", "uint64", "uint32", "uint8", "bytes32", "uint256", "uint256"]
    rolling = keccak(encode(types, [rolling, position, account, kind, a, b, c]))
    show(f"l1 {position}", rolling)

# Withdrawals 8, 9 and 10.
leaves = [
    keccak(encode(["uint64", "address", "uint16", "uint64"], [8 + n, bytes([n + 1]) * 20, n, 1000 + n]))
    for n in range(3)
]
show("withdrawals", merkle(leaves, keccak))

# A stream of one command: cancel order 5 in market 1.
command = bytes([2, 1, 0, 5])
start = h(
    b"glassbook stream" + CHAIN.to_bytes(8, "big") + EXCHANGE + (3).to_bytes(4, "big") + (2).to_bytes(8, "big")
)
show("stream start", start)
show("stream digest", h(start + command))

# What the owner of account 3 signs for that command, with nonce 9.
message = encode_typed_data(
    {"name": "Glassbook", "version": "1", "chainId": CHAIN, "verifyingContract": "0x" + EXCHANGE.hex()},
    {
        "Authorization": [
            {"name": "account", "type": "uint32"},
            {"name": "nonce", "type": "uint64"},
            {"name": "command", "type": "bytes"},
        ]
    },
    {"account": 3, "nonce": 9, "command": command},
)
show("owner digest", keccak(b"\x19" + message.version + message.header + message.body))

# The first state: head, anchor, globals and the operator's account in slots 0 to 3 of a tree of depth 32.
never = 2**64 - 1
anchor = leb(CHAIN) + EXCHANGE + leb(0) * 4 + bytes(32)
globals_ = b"".join(leb(n) for n in (20, 680, 5, 6, 2000, 0, 0, 1, 0, 0, 0, 0)) + b"\0"
account = b"\x11" * 20 + b"\x22" * 32 + leb(never) + leb(1) + leb(0) + leb(0) + b"\0"
entries = [(0, b""), (0x01 << 120, anchor), (0x02 << 120, globals_), (0x05 << 120, account)]
following = [k for k, _ in entries[1:]] + [2**128 - 1]
assert all(len(value) != 31 for _, value in entries)
nodes = [
    h(b"\0" + k.to_bytes(16, "big") + after.to_bytes(16, "big") + value)
    for (k, value), after in zip(entries, following)
]
empty = bytes(32)
for height in range(32):
    nodes = nodes + [empty] * (len(nodes) % 2)
    nodes = [h(nodes[i] + nodes[i + 1]) for i in range(0, len(nodes), 2)]
    empty = h(empty + empty)
show("genesis", h(b"\x03" + nodes[0] + (4).to_bytes(4, "big") + (2**32 - 1).to_bytes(4, "big")))

# A batch input.
show(
    "input",
    h(
        b"\x01" + b"\x07" * 32 + leb(3) + b"\x01\x02\x03"
        + leb(1) + leb(500) + b"\x08" * 64
        + leb(1) + b"\x09" * 65
        + leb(2) + b"\x04\x05"
    ),
)
