"""Trades with a key that stays here, then checks what the exchange did.

    python3 clients/python/examples/trade_and_verify.py --account 1 --key SEED [--url http://127.0.0.1:7700]

SEED is the session's secret key, 64 hexadecimal digits. An account's owner registers a session: see the book, "Accounts and
sessions".
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

try:
    import glassbook
except ImportError:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import glassbook

from glassbook import Accepted, Client, Fill, MassCancel, Place, Rejected, Side


def main() -> None:
    """Does it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:7700", help="the exchange")
    parser.add_argument("--account", type=int, required=True, help="the account's number")
    parser.add_argument("--key", required=True, help="the session's secret key, 64 hexadecimal digits")
    parser.add_argument("--market", type=int, default=0, help="the market's number")
    parser.add_argument("--price", type=int, required=True, help="ticks")
    parser.add_argument("--quantity", type=int, default=1, help="lots")
    options = parser.parse_args()

    client = Client(options.url)
    facts = client.exchange()
    print(f"exchange {facts['contract']} on chain {facts['chainId']}")
    signer = client.signer(options.account, bytes.fromhex(options.key))
    registered = client.account(options.account)["sessionKey"]
    if registered is None or glassbook.client.unhex(registered) != signer.public_key:
        sys.exit(f"account {options.account} has another session key: {registered}")

    order = Place(options.market, Side.BUY, price=options.price, quantity=options.quantity)
    answer = client.submit(signer, [order])
    outcome = answer.outcomes[0]
    if isinstance(outcome, Rejected):
        sys.exit(f"rejected: {outcome.code}")
    assert isinstance(outcome, Accepted)
    print(f"command {answer.first_sequence} accepted: order {outcome.order}, batch {answer.batch}")

    batch = client.wait_until_sealed(answer.first_sequence)
    receipt = client.receipt(answer.first_sequence)
    if receipt.outcome != outcome or receipt.claim.batch != answer.batch:
        sys.exit("the receipt says something else than the acknowledgement did: keep both")
    print(f"receipt: the path leads to the events root of batch {batch}, {receipt.claim.events_root.hex()}")
    for event in receipt.events:
        fee = f", fee {event.taker_fee} quanta" if isinstance(event, Fill) else ""
        print(f"  {event}{fee}")

    client.submit(signer, [MassCancel(options.market)])
    print(f"order {outcome.order} is {client.order(outcome.order)['state']}; what was left of it is cancelled")

    balances = client.balances(options.account)
    print(f"balances: the paths lead to the state root after batch {balances.claim.batch}")
    for asset, balance in balances.balances.items():
        print(f"  asset {asset}: {balance.free} quanta free, {balance.locked} locked")


if __name__ == "__main__":
    main()
