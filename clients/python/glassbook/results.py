"""What a command did: its outcome and its events, decoded from the content of a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from .commands import Side
from .encoding import U16, U32, DecodeError, Reader


@dataclass(frozen=True)
class Done:
    """It was carried out."""


@dataclass(frozen=True)
class Accepted:
    """The order was accepted under this number."""

    order: int


@dataclass(frozen=True)
class Rejected:
    """It did nothing, for the reason with this number (docs: rejections)."""

    code: int


Outcome = Union[Done, Accepted, Rejected]


@dataclass(frozen=True)
class Fill:
    """A trade, at the maker's price. Fees are in quote quanta; a negative one is a rebate."""

    market: int
    taker_side: Side
    maker: int
    taker: int
    maker_account: int
    taker_account: int
    price: int
    quantity: int
    maker_fee: int
    taker_fee: int


@dataclass(frozen=True)
class Rested:
    """An order now rests on the book."""

    order: int
    market: int
    account: int
    side: Side
    price: int
    quantity: int


@dataclass(frozen=True)
class Waiting:
    """An order waits for its trigger."""

    order: int
    market: int
    account: int
    side: Side
    trigger: int


@dataclass(frozen=True)
class Triggered:
    """The last price woke a waiting order."""

    order: int
    market: int
    account: int


@dataclass(frozen=True)
class Replaced:
    """A resting order has new terms."""

    order: int
    market: int
    account: int
    old_price: int
    old_quantity: int
    price: int
    quantity: int
    kept_place: bool


@dataclass(frozen=True)
class Cancelled:
    """An order, or a part of it, left without trading."""

    order: int
    market: int
    account: int
    side: Side
    resting: bool
    reason: int
    price: int
    quantity: int
    remaining: int


@dataclass(frozen=True)
class AccountOpened:
    """An account was opened."""

    account: int
    owner: bytes


@dataclass(frozen=True)
class Deposited:
    """A deposit was credited."""

    account: int
    asset: int
    amount: int


@dataclass(frozen=True)
class Withdrawn:
    """Money leaves the exchange."""

    index: int
    account: int
    owner: bytes
    asset: int
    amount: int


@dataclass(frozen=True)
class SessionRegistered:
    """An account has a new session key."""

    account: int
    key: bytes
    expires: int


@dataclass(frozen=True)
class AssetListed:
    """An asset was listed."""

    asset: int


@dataclass(frozen=True)
class MarketCreated:
    """A market was created."""

    market: int


@dataclass(frozen=True)
class MarketChanged:
    """A market's parameters changed."""

    market: int


@dataclass(frozen=True)
class PhaseChanged:
    """A market halted (until a time) or opened (None)."""

    market: int
    halted_until: int | None
    cause: int


@dataclass(frozen=True)
class AccountSuspended:
    """An account's kill switch moved."""

    account: int
    suspended: bool


@dataclass(frozen=True)
class LimitsSet:
    """An account's limits in a market were set or lifted."""

    account: int
    market: int


@dataclass(frozen=True)
class ExchangeHalted:
    """The exchange's kill switch moved."""

    halted: bool


Event = Union[
    Fill,
    Rested,
    Waiting,
    Triggered,
    Replaced,
    Cancelled,
    AccountOpened,
    Deposited,
    Withdrawn,
    SessionRegistered,
    AssetListed,
    MarketCreated,
    MarketChanged,
    PhaseChanged,
    AccountSuspended,
    LimitsSet,
    ExchangeHalted,
]


def _side(r: Reader) -> Side:
    return Side(int(r.flag()))


def decode_outcome(r: Reader) -> Outcome:
    """Reads one outcome."""
    tag = r.byte()
    if tag == 0:
        return Done()
    if tag == 1:
        return Accepted(r.uint())
    if tag == 2:
        return Rejected(r.uint(U16))
    raise DecodeError(f"{tag} is not an outcome")


def decode_event(r: Reader) -> Event:
    """Reads one event."""
    tag = r.byte()
    if tag in (1, 2):
        return Fill(
            market=r.uint(U16),
            taker_side=Side(tag - 1),
            maker=r.uint(),
            taker=r.uint(),
            maker_account=r.uint(U32),
            taker_account=r.uint(U32),
            price=r.uint(U32),
            quantity=r.uint(),
            maker_fee=r.sint(),
            taker_fee=r.uint(),
        )
    if 3 <= tag <= 7:
        return _order_event(tag, r.uint(), r.uint(U16), r.uint(U32), r)
    if tag == 8:
        return AccountOpened(r.uint(U32), r.raw(20))
    if tag == 9:
        return Deposited(r.uint(U32), r.uint(U16), r.uint())
    if tag == 10:
        return Withdrawn(r.uint(), r.uint(U32), r.raw(20), r.uint(U16), r.uint())
    if tag == 11:
        return SessionRegistered(r.uint(U32), r.raw(32), r.uint())
    if tag == 12:
        return AssetListed(r.uint(U16))
    if tag == 13:
        return MarketCreated(r.uint(U16))
    if tag == 14:
        return MarketChanged(r.uint(U16))
    if tag == 15:
        market = r.uint(U16)
        until = r.uint() if r.flag() else None
        return PhaseChanged(market, until, _below(r.byte(), 3))
    if tag == 16:
        return AccountSuspended(r.uint(U32), r.flag())
    if tag == 17:
        return LimitsSet(r.uint(U32), r.uint(U16))
    if tag == 18:
        return ExchangeHalted(r.flag())
    raise DecodeError(f"{tag} is not an event")


def _order_event(tag: int, order: int, market: int, account: int, r: Reader) -> Event:
    if tag == 3:
        return Rested(order, market, account, _side(r), r.uint(U32), r.uint())
    if tag == 4:
        return Waiting(order, market, account, _side(r), r.uint(U32))
    if tag == 5:
        return Triggered(order, market, account)
    if tag == 6:
        return Replaced(order, market, account, r.uint(U32), r.uint(), r.uint(U32), r.uint(), r.flag())
    flags = r.byte()
    return Cancelled(
        order,
        market,
        account,
        Side(flags & 1),
        flags >> 1 & 1 == 1,
        _below(flags >> 2, 9),
        r.uint(U32),
        r.uint(),
        r.uint(),
    )


def _below(value: int, bound: int) -> int:
    if value >= bound:
        raise DecodeError(f"{value} has no meaning here")
    return value


def decode_content(content: bytes) -> tuple[Outcome, list[Event]]:
    """Reads what a command did: one outcome, then events to the end."""
    r = Reader(content)
    outcome = decode_outcome(r)
    events = []
    while r.left:
        events.append(decode_event(r))
    return outcome, events
