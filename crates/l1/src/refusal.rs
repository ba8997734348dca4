//! What a contract says when it refuses, in its own words, and whether to try again.

use std::fmt;

use alloy_sol_types::{SolInterface, decode_revert_reason};
use contracts::bindings::{AttestedVerifier, Exchange, Groth16Verifier, Sp1Verifier, ZiskVerifier};
use settlement::Fault;

/// A refusal: the contract's error, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error's name in Solidity; empty when no contract of ours has such an error.
    pub name: String,
    /// The error with its values.
    pub what: String,
    /// What an operator can do about it; empty when it passes by itself.
    pub remedy: &'static str,
}

impl Refusal {
    /// Reads what a call reverted with.
    #[must_use]
    pub fn decode(data: &[u8]) -> Self {
        if let Ok(error) = Exchange::ExchangeErrors::abi_decode(data) {
            return Self { remedy: remedy(&error), ..Self::of(&error) };
        }
        let verifier = Self::decode_as::<AttestedVerifier::AttestedVerifierErrors>(data)
            .or_else(|| Self::decode_as::<Sp1Verifier::Sp1VerifierErrors>(data))
            .or_else(|| Self::decode_as::<ZiskVerifier::ZiskVerifierErrors>(data))
            .or_else(|| Self::decode_as::<Groth16Verifier::Groth16VerifierErrors>(data));
        if let Some(refusal) = verifier {
            return refusal;
        }
        let what = decode_revert_reason(data).unwrap_or_else(|| {
            let shown = data.iter().take(36).map(|byte| format!("{byte:02x}")).collect::<String>();
            format!("an error that is not ours: 0x{shown}")
        });
        Self { name: String::new(), what, remedy: "find out which contract was called" }
    }

    /// For a transaction that used all its gas.
    pub(crate) fn out_of_gas() -> Self {
        let remedy = "";
        Self { name: "OutOfGas".to_string(), what: "the transaction ran out of gas".to_string(), remedy }
    }

    /// For a transaction that would not be refused any more.
    pub(crate) fn unknown() -> Self {
        let what = "the transaction was refused in its block, and would be carried out now".to_string();
        Self { name: String::new(), what, remedy: "" }
    }

    /// Whether the same call may be accepted later.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.remedy.is_empty()
    }

    /// In settlement's terms.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let why = format!("the contract refuses: {self}");
        if self.passes() {
            Fault::Passing(why)
        } else {
            Fault::Lasting { why, remedy: self.remedy.to_string() }
        }
    }

    fn decode_as<E: SolInterface + fmt::Debug>(data: &[u8]) -> Option<Self> {
        let error = E::abi_decode(data).ok()?;
        Some(Self { remedy: "check the proof, and the verifier's version and program", ..Self::of(&error) })
    }

    /// The name is the variant's: `WrongClaim(WrongClaim { batch: 7 })`.
    fn of(error: &impl fmt::Debug) -> Self {
        let shown = format!("{error:?}");
        let (name, what) = shown.split_once('(').unwrap_or((&shown, &shown));
        let what = what.strip_suffix(')').unwrap_or(what);
        Self { name: name.to_string(), what: what.to_string(), remedy: "" }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// What to do about an error; nothing when it passes, or when the chain's own word on the batch tells the rest.
fn remedy(error: &Exchange::ExchangeErrors) -> &'static str {
    use Exchange::ExchangeErrors as E;
    match error {
        // Time passes, or others are ahead.
        E::NotFinalYet(_)
        | E::Paused(_)
        | E::NotPaused(_)
        | E::NotCommitted(_)
        | E::NotProved(_)
        | E::BatchOutOfOrder(_)
        | E::VerifierNotUsableYet(_)
        | E::AlreadyClaimed(_)
        | E::NotInBatch(_)
        | E::NothingOverdue(_) => "",
        // A node behind the others does not have the entries yet.
        E::WrongQueuePosition(error) if error.found > error.length => "",
        E::WrongQueuePosition(_) | E::WrongQueueHash(_) => {
            "the exchange has taken entries that are not the queue's: stop it and compare its L1 entries with the contract"
        }
        E::WrongPreviousRoot(_) | E::SequenceOutOfOrder(_) | E::TimeGoesBack(_) => {
            "the batch does not continue what the contract has: compare the exchange's batches with the chain's"
        }
        E::WrongExchange(_) => {
            "the batch is of another exchange: check the data directory and the contract's address"
        }
        E::WrongClaim(_) => {
            "the claim is not the one committed: compare the exchange's batches with the chain's"
        }
        E::NotOperator(_) => "use the operator's key, or name this key the operator",
        E::NotAdmin(_) | E::NotPendingAdmin(_) => "use the admin's key",
        E::VerifierWasRemoved(_) | E::UnknownVerifier(_) => "prove for a verifier that is registered",
        E::ExchangeFrozen(_) => {
            "the exchange has ended: nothing is settled any more, everybody leaves with the final state"
        }
        _ => "see the contract's description of this error",
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U256;
    use alloy_sol_types::SolError as _;

    use super::*;

    #[test]
    fn an_error_has_its_name_in_solidity_and_its_values() {
        let refusal = Refusal::decode(&Exchange::WrongClaim { batch: 7 }.abi_encode());
        assert_eq!((refusal.name.as_str(), refusal.what.as_str()), ("WrongClaim", "WrongClaim { batch: 7 }"));
        assert!(matches!(refusal.fault(), Fault::Lasting { .. }));
        let refusal = Refusal::decode(&Exchange::NotFinalYet { batch: 1, finalAt: 9 }.abi_encode());
        assert!(matches!(refusal.fault(), Fault::Passing(_)));
    }

    #[test]
    fn an_error_of_a_verifier_is_known() {
        let error = AttestedVerifier::BadAttestationLength { expected: U256::from(97), found: U256::from(3) };
        assert_eq!(Refusal::decode(&error.abi_encode()).name, "BadAttestationLength");
    }

    #[test]
    fn other_data_is_no_error_of_ours() {
        for data in [&[][..], &[1], &[1, 2, 3, 4, 5]] {
            let refusal = Refusal::decode(data);
            assert!(refusal.name.is_empty() && !refusal.passes());
        }
    }
}
