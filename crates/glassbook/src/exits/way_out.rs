//! What to do when the contract refuses, for people who are not its operator.

use anyhow::{Error, anyhow};
use l1::ClientError;

/// The error, with the way out if there is one.
pub fn of(error: ClientError) -> Error {
    let hint = match &error {
        ClientError::Reverted(refusal) => hint(&refusal.name),
        ClientError::Unreachable { .. } => Some("check --l1: it must be a node's HTTP JSON-RPC"),
        ClientError::Answer(_) => Some("check that this address is an exchange of ours"),
        ClientError::NotMined { .. } => {
            Some("look for it before you send it again: it may be carried out yet")
        }
        ClientError::FeeCeiling { .. } => Some("wait until gas is cheaper"),
        _ => None,
    };
    match hint {
        Some(hint) => anyhow!("{error}; {hint}"),
        None => error.into(),
    }
}

fn hint(name: &str) -> Option<&'static str> {
    Some(match name {
        "NoAccount" => "this address owns no account here: `glassbook l1 deposit` opens one",
        "UnknownAsset" => "`glassbook l1 status` shows how many assets there are; the first is 0",
        "Paused" => {
            "deposits wait until the pause ends, which `glassbook l1 status` shows; forced operations and exits are not affected"
        }
        "ExchangeFrozen" => {
            "the exchange has ended: `glassbook l1 claim` pays withdrawals, `glassbook l1 escape` balances, `glassbook l1 refund` deposits"
        }
        "NotFrozen" => {
            "the exchange lives: `glassbook l1 exit` forces everything out; if the operator lets the deadline pass, `glassbook l1 freeze`"
        }
        "NothingOverdue" => "`glassbook l1 status` shows when the oldest entry is overdue",
        "NotOwner" => "only the owner's own key may name another recipient: leave --to away",
        "TransferFailed" => {
            "the token or the recipient refuses: check balance and allowance; the owner may name another recipient with --to"
        }
        "AlreadyClaimed" | "AlreadyEscaped" | "AlreadyRefunded" => "it was paid: there is nothing more to do",
        "Consumed" => "the deposit is in the final state: it leaves with the balance, `glassbook l1 escape`",
        "NotInBatch" => "its batch is not final: `glassbook l1 queue` shows how far it is",
        "WrongStateRoot" => {
            "the proof is under another state: make it anew under the final one, `glassbook balance proof --l1 URL`"
        }
        "BadProofLength" | "WrongKey" | "MalformedEntry" => {
            "the file is not such a proof: make it anew, `glassbook balance proof`"
        }
        "InexactTransfer" => {
            "the token charges for transfers: deposit an amount of which a whole number of quanta arrives"
        }
        "NotPaused" => {
            "`glassbook operator pause` announces a pause; `glassbook l1 status` shows when it begins"
        }
        "PauseAlreadyAnnounced" => "`glassbook l1 status` shows when it begins and ends",
        "ProvedAlready" => "what was proved is never reverted",
        "NotOperator" => "use the operator's key",
        "NotAdmin" => "use the admin's key",
        _ => return None,
    })
}
