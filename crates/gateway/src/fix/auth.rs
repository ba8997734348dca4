//! Who logs on: an API key, and a signature that only its holder can make.

use std::sync::Arc;

use ::fix::{Identity, Message, Refusal, tags};
use types::AccountId;

use crate::keys::{KeyStore, Role};

/// What the signature of a Logon covers: `SenderCompID|TargetCompID|MsgSeqNum|SendingTime`, as they are in the message.
fn signed(logon: &Message) -> Option<Vec<u8>> {
    let parts = [tags::SENDER_COMP_ID, tags::TARGET_COMP_ID, tags::MSG_SEQ_NUM, tags::SENDING_TIME];
    let parts: Option<Vec<&[u8]>> = parts.iter().map(|tag| logon.get(*tag)).collect();
    parts.map(|parts| parts.join(&b'|'))
}

/// Username (553) is the API key; Password (554) or RawData (96) the signature: hexadecimal HMAC-SHA256, or base64 of Ed25519,
/// by the kind of the key.
pub(super) fn authenticate(keys: &KeyStore, logon: &Message) -> Result<Identity, Refusal> {
    let refusal = |why: &str| Refusal(why.to_owned());
    let key = logon.text(tags::USERNAME).map_err(|error| Refusal(error.to_string()))?;
    let signature = match logon.get(tags::PASSWORD).or_else(|| logon.get(tags::RAW_DATA)) {
        Some(signature) => {
            std::str::from_utf8(signature).map_err(|_| refusal("the signature is not text"))?
        }
        None => return Err(refusal("Required tag missing: tag 554 or 96")),
    };
    let payload = signed(logon).ok_or_else(|| refusal("the header is incomplete"))?;
    let caller =
        keys.verify(key, Role::Read, &payload, signature).map_err(|error| Refusal(error.to_string()))?;
    Ok(Identity { principal: principal(caller.account, caller.role), grant: Arc::from(key) })
}

/// What the names of sessions of keys end with that may only see.
const READER: &str = " reader";

/// Under which name the sessions of an account are kept. Keys that may only see have sessions of their own, so that none of
/// them takes, resets or crowds out one that trades.
fn principal(account: AccountId, role: Role) -> String {
    let kind = if role < Role::Trade { READER } else { "" };
    format!("account {account}{kind}")
}

/// The account of a name.
pub(super) fn account_of(principal: &str) -> Option<AccountId> {
    let account = principal.strip_prefix("account ")?;
    account.strip_suffix(READER).unwrap_or(account).parse().ok().map(AccountId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_keys_that_only_see_are_others_of_the_same_account() {
        let account = AccountId(7);
        let [read, trade, withdraw, admin] =
            [Role::Read, Role::Trade, Role::Withdraw, Role::Admin].map(|role| principal(account, role));
        assert_ne!(read, trade);
        assert!(trade == withdraw && trade == admin);
        assert_eq!([&read, &trade].map(|name| account_of(name)), [Some(account); 2]);
        assert_eq!(account_of("account 7 writer"), None);
    }
}
