"""Client of the Glassbook exchange.

Signs streams of commands with a key that stays here, and checks what the exchange says: receipts and balances against claims.
"""

from .claim import Claim
from .client import Acknowledgement, ApiError, Client, ConnectionFailed, VerifiedBalances, VerifiedReceipt
from .commands import (
    NEVER,
    Cancel,
    ClientOrderId,
    Command,
    MassCancel,
    OrderId,
    OrderRef,
    Place,
    RegisterSession,
    Replace,
    SelfTrade,
    Side,
    TimeInForce,
    TriggerKind,
    Withdraw,
)
from .encoding import DecodeError
from .receipt import Receipt, VerificationError, verify_withdrawal
from .results import Accepted, Done, Event, Fill, Outcome, Rejected, Withdrawn, decode_content
from .signing import StreamSigner, login_digest, owner_digest, owner_typed_data, stream_digest, stream_start
from .state import Balance, StateProof, balance_key, verify_balance

__all__ = [
    "NEVER",
    "Accepted",
    "Acknowledgement",
    "ApiError",
    "Balance",
    "Cancel",
    "Claim",
    "Client",
    "ClientOrderId",
    "Command",
    "ConnectionFailed",
    "DecodeError",
    "Done",
    "Event",
    "Fill",
    "MassCancel",
    "OrderId",
    "OrderRef",
    "Outcome",
    "Place",
    "Receipt",
    "RegisterSession",
    "Rejected",
    "Replace",
    "SelfTrade",
    "Side",
    "StateProof",
    "StreamSigner",
    "TimeInForce",
    "TriggerKind",
    "VerificationError",
    "VerifiedBalances",
    "VerifiedReceipt",
    "Withdraw",
    "Withdrawn",
    "balance_key",
    "decode_content",
    "login_digest",
    "owner_digest",
    "owner_typed_data",
    "stream_digest",
    "stream_start",
    "verify_balance",
    "verify_withdrawal",
]
