"""What a trader asks for, and its canonical encoding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Union

from .encoding import U16, U32, Writer

NEVER = (1 << 64) - 1
"""A time (microseconds since 1970) that never comes."""


class Side(IntEnum):
    """Buy or sell."""

    BUY = 0
    SELL = 1


class TimeInForce(IntEnum):
    """How long an order lives. GTD needs an expiry."""

    GTC = 0
    IOC = 1
    FOK = 2
    GTD = 3


class SelfTrade(IntEnum):
    """What happens when an order would trade with another one of the same account."""

    EXPIRE_TAKER = 0
    EXPIRE_MAKER = 1
    EXPIRE_BOTH = 2
    DECREMENT = 3


class TriggerKind(IntEnum):
    """In which direction the last price must cross."""

    STOP_LOSS = 1
    TAKE_PROFIT = 2


@dataclass(frozen=True)
class OrderId:
    """An open order by the exchange's number."""

    id: int


@dataclass(frozen=True)
class ClientOrderId:
    """An open order by the trader's number; never zero."""

    id: int


OrderRef = Union[OrderId, ClientOrderId]


@dataclass(frozen=True)
class Place:
    """A new order. Prices are ticks, quantities lots, budgets quanta.

    A limit order has a price and a quantity; a market order a quantity or, when it buys, a budget to spend at most.
    """

    market: int
    side: Side
    quantity: int | None = None
    price: int | None = None
    budget: int | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires: int | None = None
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    trigger: tuple[TriggerKind, int] | None = None
    client_id: int = 0

    def encode(self) -> bytes:
        """The canonical encoding."""
        if (self.quantity is None) == (self.budget is None):
            raise ValueError("an order has either a quantity or a budget")
        if self.budget is not None and self.price is not None:
            raise ValueError("only a market order has a budget")
        if (self.expires is not None) != (self.time_in_force == TimeInForce.GTD):
            raise ValueError("GTD has an expiry, and nothing else has one")
        kind = 2 if self.budget is not None else 0 if self.price is not None else 1
        w = Writer()
        w.byte(1)
        w.byte(self.side | kind << 1 | self.time_in_force << 3 | self.post_only << 5 | self.self_trade << 6)
        w.byte((self.trigger[0] if self.trigger else 0) | (self.client_id != 0) << 2)
        w.uint(self.market, U16)
        if self.price is not None:
            w.uint(self.price, U32)
        amount = self.budget if self.quantity is None else self.quantity
        assert amount is not None
        w.uint(amount)
        if self.expires is not None:
            w.uint(self.expires)
        if self.trigger is not None:
            w.uint(self.trigger[1], U32)
        if self.client_id != 0:
            w.uint(self.client_id)
        return w.take()


def _reference(w: Writer, order: OrderRef) -> None:
    w.byte(0 if isinstance(order, OrderId) else 1)
    w.uint(order.id)


@dataclass(frozen=True)
class Cancel:
    """Cancel one order."""

    market: int
    order: OrderRef

    def encode(self) -> bytes:
        """The canonical encoding."""
        w = Writer()
        w.byte(2)
        w.uint(self.market, U16)
        _reference(w, self.order)
        return w.take()


@dataclass(frozen=True)
class Replace:
    """Change a resting limit order's price, and what is left of its quantity.

    ``left`` is what was left of it when the quantity was chosen: what has traded since then is taken off, and
    where nothing remains, the order is cancelled. Without it the quantity is taken as it stands.
    """

    market: int
    order: OrderRef
    price: int
    quantity: int
    left: int | None = None

    def encode(self) -> bytes:
        """The canonical encoding."""
        w = Writer()
        w.byte(3 if self.left is None else 8)
        w.uint(self.market, U16)
        _reference(w, self.order)
        w.uint(self.price, U32)
        w.uint(self.quantity)
        if self.left is not None:
            w.uint(self.left)
        return w.take()


@dataclass(frozen=True)
class MassCancel:
    """Cancel all orders, or those of one market, of one side, or of one side of one market."""

    market: int | None = None
    side: Side | None = None

    def encode(self) -> bytes:
        """The canonical encoding."""
        w = Writer()
        w.byte(4)
        w.byte((self.market is not None) | (self.side is not None) << 1 | (self.side == Side.SELL) << 2)
        if self.market is not None:
            w.uint(self.market, U16)
        return w.take()


@dataclass(frozen=True)
class Withdraw:
    """Take a free balance out, to the account's owner on L1. The amount is in quanta."""

    asset: int
    amount: int

    def encode(self) -> bytes:
        """The canonical encoding."""
        w = Writer()
        w.byte(5)
        w.uint(self.asset, U16)
        w.uint(self.amount)
        return w.take()


@dataclass(frozen=True)
class RegisterSession:
    """Replace the account's session key. Only the owner's signature can carry it."""

    key: bytes
    expires: int = NEVER

    def encode(self) -> bytes:
        """The canonical encoding."""
        w = Writer()
        w.byte(6)
        w.raw(self.key, 32)
        w.uint(self.expires)
        return w.take()


Command = Union[Place, Cancel, Replace, MassCancel, Withdraw, RegisterSession]
