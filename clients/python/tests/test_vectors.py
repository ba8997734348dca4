"""Holds the package to vectors that the Rust sources make (crates/client/tests/python_vectors.rs)."""

from __future__ import annotations

import json
import sys
import unittest
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from glassbook import (  # noqa: E402
    Balance,
    Cancel,
    Claim,
    ClientOrderId,
    DecodeError,
    MassCancel,
    OrderId,
    Place,
    Receipt,
    RegisterSession,
    Replace,
    SelfTrade,
    Side,
    StateProof,
    StreamSigner,
    TimeInForce,
    TriggerKind,
    VerificationError,
    Withdraw,
    Withdrawn,
    balance_key,
    decode_content,
    login_digest,
    owner_digest,
    stream_start,
    verify_balance,
    verify_withdrawal,
)
from glassbook import ed25519  # noqa: E402
from glassbook.keccak import keccak256  # noqa: E402

VECTORS: dict[str, Any] = json.loads((HERE / "vectors.json").read_text())


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def command(described: dict[str, Any]) -> Any:
    """The command that a vector describes."""
    fields = dict(described["fields"])
    if "side" in fields and fields["side"] is not None:
        fields["side"] = Side(fields["side"])
    if "order" in fields:
        kind, number = fields["order"]
        fields["order"] = OrderId(number) if kind == "id" else ClientOrderId(number)
    if "trigger" in fields and fields["trigger"] is not None:
        fields["trigger"] = (TriggerKind(fields["trigger"][0]), fields["trigger"][1])
    if "time_in_force" in fields:
        fields["time_in_force"] = TimeInForce(fields["time_in_force"])
    if "self_trade" in fields:
        fields["self_trade"] = SelfTrade(fields["self_trade"])
    if "key" in fields:
        fields["key"] = unhex(fields["key"])
    kinds = {
        "place": Place,
        "cancel": Cancel,
        "replace": Replace,
        "mass_cancel": MassCancel,
        "withdraw": Withdraw,
        "register_session": RegisterSession,
    }
    return kinds[described["kind"]](**fields)


class Commands(unittest.TestCase):
    def test_every_command_has_the_encoding_that_rust_gives_it(self) -> None:
        self.assertGreater(len(VECTORS["commands"]), 20)
        for vector in VECTORS["commands"]:
            self.assertEqual(command(vector).encode().hex(), vector["encoded"], vector)

    def test_what_has_no_encoding_is_refused(self) -> None:
        for wrong in (
            Place(0, Side.BUY, price=1),
            Place(0, Side.BUY, price=1, quantity=1, budget=1),
            Place(0, Side.BUY, price=1, budget=1),
            Place(0, Side.BUY, price=1, quantity=1, time_in_force=TimeInForce.GTD),
            Place(1 << 16, Side.BUY, price=1, quantity=1),
            Place(0, Side.BUY, price=1 << 32, quantity=1),
            Place(0, Side.BUY, price=1, quantity=-1),
            RegisterSession(b"short"),
        ):
            with self.assertRaises(ValueError):
                wrong.encode()


class Signing(unittest.TestCase):
    def test_a_stream_has_the_digests_and_the_signature_that_rust_gives_it(self) -> None:
        vector = VECTORS["stream"]
        exchange = unhex(vector["exchange"])
        start = stream_start(vector["chain_id"], exchange, vector["account"], vector["session"])
        self.assertEqual(start.hex(), vector["start"])
        signer = StreamSigner(vector["account"], unhex(vector["secret"]), 0, start)
        self.assertEqual(signer.public_key.hex(), vector["public"])
        for place in vector["commands"]:
            signer.push(command(place))
            self.assertEqual(signer.digest.hex(), place["digest"])
        self.assertEqual(signer.position, len(vector["commands"]))
        self.assertEqual(signer.sign().hex(), vector["signature"])

    def test_our_own_ed25519_agrees_with_rust_and_with_the_rfc(self) -> None:
        # RFC 8032, section 7.1, tests 1 to 3.
        rfc = (
            ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
            ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
            ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82"),
        )
        signed = (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        )
        for (secret, message), signature in zip(rfc, signed):
            self.assertEqual(ed25519.sign_slowly(unhex(secret), unhex(message)).hex(), signature)
        vector = VECTORS["stream"]
        secret, message = unhex(vector["secret"]), unhex(vector["commands"][-1]["digest"])
        public = ed25519.public_key_slowly(secret)
        self.assertEqual(public.hex(), vector["public"])
        signature = ed25519.sign_slowly(secret, message)
        self.assertEqual(signature.hex(), vector["signature"])
        self.assertTrue(ed25519.verify(public, message, signature))
        self.assertFalse(ed25519.verify(public, message + b"x", signature))
        changed = bytes([signature[0] ^ 1]) + signature[1:]
        self.assertFalse(ed25519.verify(public, message, changed))
        self.assertFalse(ed25519.verify(b"\1" + b"\0" * 31, message, b"\1" + b"\0" * 63))

    def test_a_login_is_what_rust_signs(self) -> None:
        vector = VECTORS["login"]
        digest = login_digest(vector["chain_id"], unhex(vector["exchange"]), vector["account"], vector["time"])
        self.assertEqual(digest.hex(), vector["digest"])

    def test_an_owner_signs_what_rust_checks(self) -> None:
        self.assertEqual(
            keccak256(b"").hex(), "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        )
        for vector in VECTORS["keccak"]:
            self.assertEqual(keccak256(bytes(vector["zeros"])).hex(), vector["digest"])
        vector = VECTORS["owner"]
        digest = owner_digest(
            vector["chain_id"],
            unhex(vector["exchange"]),
            vector["account"],
            vector["nonce"],
            unhex(vector["command"]),
        )
        self.assertEqual(digest.hex(), vector["digest"])


class Receipts(unittest.TestCase):
    def test_a_claim_survives_the_round_trip(self) -> None:
        for batch in VECTORS["batches"]:
            encoded = unhex(batch["claim"])
            self.assertEqual(Claim.decode(encoded).encode(), encoded)
            with self.assertRaises(DecodeError):
                Claim.decode(encoded[:-1])
            with self.assertRaises(DecodeError):
                Claim.decode(b"\1" + encoded[1:])

    def test_every_receipt_leads_to_its_claim_and_to_no_other(self) -> None:
        claims = [Claim.decode(unhex(batch["claim"])) for batch in VECTORS["batches"]]
        checked = 0
        for place, batch in enumerate(VECTORS["batches"]):
            for vector in batch["receipts"]:
                receipt = Receipt(
                    vector["sequence"],
                    vector["count"],
                    unhex(vector["content"]),
                    vector["index"],
                    [unhex(sibling) for sibling in vector["siblings"]],
                )
                outcome, events = receipt.verify(claims[place])
                self.assertEqual(str(outcome), vector["outcome"])
                self.assertEqual([str(event) for event in events], vector["events"])
                wrong = [
                    replace(receipt, content=receipt.content + b"\0"),
                    replace(receipt, content=bytes([receipt.content[0] ^ 1]) + receipt.content[1:]),
                    replace(receipt, count=receipt.count + 1),
                    replace(receipt, sequence=receipt.sequence + 1),
                    replace(receipt, sequence=receipt.sequence + 1, index=receipt.index + 1),
                    replace(receipt, siblings=[*receipt.siblings, bytes(32)]),
                ]
                if receipt.siblings:
                    wrong.append(replace(receipt, siblings=receipt.siblings[1:]))
                    first = bytes([receipt.siblings[0][0] ^ 1]) + receipt.siblings[0][1:]
                    wrong.append(replace(receipt, siblings=[first, *receipt.siblings[1:]]))
                for changed in wrong:
                    with self.assertRaises(ValueError):
                        changed.verify(claims[place])
                other = claims[(place + 1) % len(claims)]
                with self.assertRaises(VerificationError):
                    receipt.verify(other)
                checked += 1
        self.assertGreater(checked, 10)

    def test_every_event_is_in_the_vectors(self) -> None:
        kinds = {
            event.split("(")[0]
            for batch in VECTORS["batches"]
            for vector in batch["receipts"]
            for event in vector["events"]
        }
        self.assertEqual(len(kinds), 17, kinds)

    def test_content_that_is_not_canonical_is_refused(self) -> None:
        for wrong in ("", "03", "0180", "018000", "00ff", "000501", "0001", "02ffff7f", "000f000105"):
            with self.assertRaises(DecodeError):
                decode_content(unhex(wrong))

    def test_withdrawals_lead_to_the_withdrawals_root(self) -> None:
        vector = VECTORS["withdrawals"]
        claim = Claim.decode(unhex(vector["claim"]))
        for place, entry in enumerate(vector["entries"]):
            withdrawal = Withdrawn(
                entry["index"], entry["account"], unhex(entry["owner"]), entry["asset"], entry["amount"]
            )
            siblings = [unhex(sibling) for sibling in entry["siblings"]]
            verify_withdrawal(claim, withdrawal, place, siblings)
            with self.assertRaises(VerificationError):
                verify_withdrawal(claim, replace(withdrawal, amount=withdrawal.amount + 1), place, siblings)
            with self.assertRaises(VerificationError):
                verify_withdrawal(claim, withdrawal, place + 8, siblings)


class Balances(unittest.TestCase):
    def test_balance_proofs_prove_what_is_there_and_what_is_not(self) -> None:
        vector = VECTORS["state"]
        root = unhex(vector["root"])
        for entry in vector["balances"]:
            proof = unhex(entry["proof"])
            account, asset = entry["account"], entry["asset"]
            balance = verify_balance(root, account, asset, proof)
            self.assertEqual(balance, Balance(entry["free"], entry["locked"]))
            with self.assertRaises(VerificationError):
                verify_balance(bytes(32), account, asset, proof)
            with self.assertRaises(VerificationError):
                verify_balance(root, account + 100_000, asset, proof)
            for at in (0, 5, 20, 40, 46, len(proof) - 1):
                changed = proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]
                with self.assertRaises(ValueError):
                    verify_balance(root, account, asset, changed)
            with self.assertRaises(DecodeError):
                verify_balance(root, account, asset, proof + b"\0")

    def test_a_value_of_31_bytes_has_a_leaf_of_its_own(self) -> None:
        vector = VECTORS["state"]["thirty_one"]
        proof = StateProof.decode(unhex(vector["proof"]))
        value = proof.verify(unhex(VECTORS["state"]["root"]), balance_key(vector["account"], vector["asset"]))
        self.assertEqual(value, bytes(range(31)))


if __name__ == "__main__":
    unittest.main()
