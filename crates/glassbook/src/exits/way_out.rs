//! What to do when something was not done, for people who are not the contract's operator.

use std::fmt;

use alloy_primitives::B256;
use anyhow::Error;
use l1::ClientError;

/// After a transaction was carried out, when what came of it cannot be read.
pub const CARRIED_OUT: &str = "it was carried out, do not repeat it; but what came of it cannot be read";

/// Why something was not done, and what to do then.
#[derive(Debug)]
struct Told {
    error: ClientError,
    hint: Option<String>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Told {}

/// The error, with the way out if there is one. Nothing was sent.
pub fn of(error: ClientError) -> Error {
    let hint = match &error {
        ClientError::Reverted(refusal) => hint(&refusal.name),
        ClientError::Unreachable { .. } => Some("check --l1: it must be a node's HTTP JSON-RPC"),
        ClientError::OtherChain { .. } => {
            Some("check --l1, and the chain that --chain or the deployment names")
        }
        ClientError::Answer(_) => Some("check that this address is an exchange of ours"),
        ClientError::FeeCeiling { .. } => Some("wait until gas is cheaper"),
        _ => None,
    };
    let hint = hint.map(String::from);
    Error::new(Told { error, hint })
}

/// An error while a signed transaction was handed to the node.
pub fn of_handing_in(error: ClientError, hash: B256) -> Error {
    match error {
        ClientError::Unreachable { .. } | ClientError::Answer(_) => unknown(error, hash),
        error => of(error),
    }
}

/// An error while a transaction was waited for that the node had taken.
pub fn of_waiting(error: ClientError, hash: B256) -> Error {
    match error {
        ClientError::Reverted(_) | ClientError::Displaced { .. } => of(error),
        error => unknown(error, hash),
    }
}

/// Nobody knows what became of a transaction.
fn unknown(error: ClientError, hash: B256) -> Error {
    let hint = format!(
        "transaction {hash} MAY HAVE BEEN SENT, and may be carried out yet: look for it before you repeat this, or you may do it twice"
    );
    Error::new(Told { error, hint: Some(hint) })
}

/// Whether the contract has refused: then it was not done, whoever else is paid.
pub fn is_refusal(error: &Error) -> bool {
    error.downcast_ref::<Told>().is_some_and(|told| matches!(told.error, ClientError::Reverted(_)))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use anyhow::Context as _;
    use l1::Refusal;

    use super::*;

    fn unreachable() -> ClientError {
        ClientError::Unreachable { url: "http://127.0.0.1:1".to_string(), why: "no answer".to_string() }
    }

    #[test]
    fn what_may_have_been_sent_is_said_with_its_hash() {
        let hash = B256::repeat_byte(0xab);
        let not_mined = ClientError::NotMined { hash, after: Duration::from_secs(1) };
        let answer = || ClientError::Answer("null".to_string());
        let node = || ClientError::Node { code: -32_000, message: "busy".to_string() };
        for error in [
            of_handing_in(unreachable(), hash),
            of_handing_in(answer(), hash),
            of_waiting(unreachable(), hash),
            of_waiting(answer(), hash),
            of_waiting(node(), hash),
            of_waiting(not_mined, hash),
        ] {
            let text = format!("{:#}", error.context("deposit 1"));
            assert!(text.contains(&hash.to_string()) && text.contains("MAY HAVE BEEN SENT"), "{text}");
            assert!(text.contains("before you repeat"), "{text}");
        }
        for error in [of(unreachable()), of_handing_in(node(), hash)] {
            assert!(!error.to_string().contains("MAY HAVE BEEN SENT"), "{error}");
        }
        assert!(of(unreachable()).to_string().contains("check --l1"));
    }

    #[test]
    fn a_refusal_is_known_through_its_context_and_has_a_way_out() {
        let refused = || ClientError::Reverted(Refusal::decode(&[]));
        let hash = B256::ZERO;
        for error in [of(refused()), of_handing_in(refused(), hash), of_waiting(refused(), hash)] {
            assert!(is_refusal(&error));
            assert!(is_refusal(&Err::<(), _>(error).context("claim 1").context("more").unwrap_err()));
        }
        assert!(!is_refusal(&of(unreachable())) && !is_refusal(&of_waiting(unreachable(), hash)));
        assert!(hint("NoAccount").unwrap().contains("glassbook l1 deposit"));
    }
}
