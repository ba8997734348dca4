//! Requests and answers.

use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use transition::{SealedBatch, Stream};
use types::{AccountId, Address, Command, OrderId};

use crate::answers::{
    self, AccountAnswer, Acknowledgement, AcknowledgementAnswer, BalanceProofAnswer, BatchAnswer,
    DepthAnswer, ExchangeAnswer, OrderAnswer, OwnerAnswer, ReceiptAnswer, Refusal, TradeAnswer,
};
use crate::{ClientError, StreamSigner, VerifiedBalances, VerifiedReceipt};

/// Longer JSON is not read.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Longer files are not read: no sealed batch is.
const LONGEST_FILE: u64 = 1 << 30;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether something has happened.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Speaks to one exchange. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    /// Of the exchange at a URL: `http://127.0.0.1:7700`.
    ///
    /// # Errors
    /// When there can be no TLS.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        // Whoever has chosen one before keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_string() })
    }

    /// What exchange it is.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn exchange(&self) -> Result<ExchangeAnswer, ClientError> {
        self.native("/exchange").await
    }

    /// The best levels of a market's book.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn depth(&self, symbol: &str, limit: u16) -> Result<DepthAnswer, ClientError> {
        self.json(
            self.request(Method::GET, &format!("/api/v3/depth?symbol={}&limit={limit}", plain(symbol)?)),
        )
        .await
    }

    /// The newest trades of a market.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn trades(&self, symbol: &str, limit: u16) -> Result<Vec<TradeAnswer>, ClientError> {
        self.json(
            self.request(Method::GET, &format!("/api/v3/trades?symbol={}&limit={limit}", plain(symbol)?)),
        )
        .await
    }

    /// An account.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn account(&self, account: AccountId) -> Result<AccountAnswer, ClientError> {
        self.native(&format!("/accounts/{account}")).await
    }

    /// The account of an owner.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn account_of(&self, owner: Address) -> Result<AccountId, ClientError> {
        let answer: OwnerAnswer = self.native(&format!("/owners/{owner}")).await?;
        Ok(AccountId(answer.account))
    }

    /// A signer that goes on where the exchange saw the account's stream last.
    ///
    /// # Errors
    /// When there is no answer, it is a refusal, or the account has another session key.
    pub async fn signer(&self, account: AccountId, key: SigningKey) -> Result<StreamSigner, ClientError> {
        let answer = self.account(account).await?;
        let stream = Stream { position: answer.stream.position, digest: digest(&answer.stream.digest)? };
        let signer = StreamSigner::new(account, key, stream);
        match answer.session_key.as_deref().map(digest).transpose()? {
            Some(key) if key == signer.public_key().0 => Ok(signer),
            _ => Err(ClientError::Other { what: format!("account {account} has another session key") }),
        }
    }

    /// Signs commands and hands them in, all or none. If they are refused, the signer is where it was.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn submit(
        &self,
        signer: &mut StreamSigner,
        commands: &[Command],
    ) -> Result<Acknowledgement, ClientError> {
        let (before, account) = (signer.stream(), signer.account().0);
        let commands: Vec<Value> = commands
            .iter()
            .map(|command| json!({ "account": account, "command": hex::encode(signer.push(command)) }))
            .collect();
        let signature = json!({ "account": account, "signature": hex::encode(signer.sign()) });
        let answer = self.post("/streams", &json!({ "commands": commands, "signatures": [signature] })).await;
        if matches!(answer, Err(ClientError::Refused { .. })) {
            signer.reset(before);
        }
        let answer: AcknowledgementAnswer = answer?;
        answer.try_into()
    }

    /// Hands in a command that the account's owner has signed ([`transition::owner_digest`]).
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn submit_owner(
        &self,
        account: AccountId,
        command: &Command,
        signature: &[u8; 65],
    ) -> Result<Acknowledgement, ClientError> {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        let (command, signature) = (hex::encode(&bytes), hex::encode(signature));
        let body = json!({ "account": account.0, "command": command, "signature": signature });
        let answer: AcknowledgementAnswer = self.post("/owner-commands", &body).await?;
        answer.try_into()
    }

    /// How far an order is.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn order(&self, order: OrderId) -> Result<OrderAnswer, ClientError> {
        self.native(&format!("/orders/{order}")).await
    }

    /// How far a command is.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal: `not_sealed` while its batch is open.
    pub async fn command(&self, sequence: u64) -> Result<answers::Command, ClientError> {
        self.native(&format!("/commands/{sequence}")).await
    }

    /// Waits until a command's batch is sealed; its number.
    ///
    /// # Errors
    /// When it takes too long, there is no answer, or it is a refusal.
    pub async fn wait_until_sealed(&self, sequence: u64, patience: Duration) -> Result<u64, ClientError> {
        let began = Instant::now();
        loop {
            match self.command(sequence).await {
                Err(error) if error.code() == Some("not_sealed") && began.elapsed() < patience => {
                    tokio::time::sleep(BETWEEN_LOOKS).await;
                }
                answer => return answer.map(|answer| answer.batch.batch),
            }
        }
    }

    /// How far a batch is.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal.
    pub async fn batch(&self, batch: u64) -> Result<BatchAnswer, ClientError> {
        self.native(&format!("/batches/{batch}")).await
    }

    /// A sealed batch: its checksum is checked, nothing else.
    ///
    /// # Errors
    /// When there is no answer, it is a refusal, or it is no sealed batch.
    pub async fn sealed_batch(&self, batch: u64) -> Result<SealedBatch, ClientError> {
        let path = format!("/api/glassbook/v1/batches/{batch}/sealed");
        let bytes = self.send(self.request(Method::GET, &path), LONGEST_FILE).await?;
        let sealed = SealedBatch::decode(&bytes)?;
        match sealed.claim.batch == batch {
            true => Ok(sealed),
            false => Err(ClientError::Other { what: format!("batch {}, not {batch}", sealed.claim.batch) }),
        }
    }

    /// Gets a sealed batch and executes it again, with every signature: what it claims is then true of the state before it.
    ///
    /// Compare the claim's previous root with the state root of the batch before: [`transition::Claim::follows`].
    ///
    /// # Errors
    /// When there is no answer, it is a refusal, or the batch is not true.
    pub async fn execute_again(&self, batch: u64) -> Result<SealedBatch, ClientError> {
        let sealed = self.sealed_batch(batch).await?;
        let executed = tokio::task::spawn_blocking(move || sealed.verify().map(|()| sealed)).await;
        Ok(executed.map_err(ClientError::answer)??)
    }

    /// The file of the proof that covers a batch; the crate `verifier` checks it.
    ///
    /// # Errors
    /// When there is no answer, or it is a refusal: `no_proof` while there is none.
    pub async fn proof(&self, batch: u64) -> Result<Vec<u8>, ClientError> {
        let path = format!("/api/glassbook/v1/batches/{batch}/proof");
        self.send(self.request(Method::GET, &path), LONGEST_FILE).await
    }

    /// What a command did, checked against the claim that comes with it.
    ///
    /// # Errors
    /// When there is no answer, it is a refusal, or the receipt proves nothing.
    pub async fn receipt(&self, sequence: u64) -> Result<VerifiedReceipt, ClientError> {
        let answer: ReceiptAnswer = self.native(&format!("/receipts/{sequence}")).await?;
        VerifiedReceipt::check(answer, sequence)
    }

    /// What an account has after a batch (or the newest that the exchange proves), checked against the claim that comes with it.
    ///
    /// # Errors
    /// When there is no answer, it is a refusal, or a proof proves nothing.
    pub async fn balances(
        &self,
        account: AccountId,
        batch: Option<u64>,
    ) -> Result<VerifiedBalances, ClientError> {
        let query = batch.map(|batch| format!("?batch={batch}")).unwrap_or_default();
        let answer: BalanceProofAnswer =
            self.native(&format!("/accounts/{account}/balance-proof{query}")).await?;
        VerifiedBalances::check(&answer, account, batch)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    async fn native<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.json(self.request(Method::GET, &format!("/api/glassbook/v1{path}"))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, ClientError> {
        let request = self
            .request(Method::POST, &format!("/api/glassbook/v1{path}"))
            .header("content-type", "application/json");
        self.json(request.body(body.to_string())).await
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let bytes = self.send(request, LONGEST_ANSWER).await?;
        serde_json::from_slice(&bytes).map_err(ClientError::answer)
    }

    async fn send(&self, request: RequestBuilder, limit: u64) -> Result<Vec<u8>, ClientError> {
        let mut answer = request.send().await?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(ClientError::TooLong { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let refusal: Refusal = serde_json::from_slice(&bytes)
            .map_err(|_| ClientError::answer(format!("status {status} without a body that says why")))?;
        let code = refusal.code.as_str().map_or_else(|| refusal.code.to_string(), ToString::to_string);
        let Refusal { message, remedy, .. } = refusal;
        Err(ClientError::Refused { status: status.as_u16(), code, message, remedy })
    }
}

/// A market's name, which stands in a query as it is.
fn plain(symbol: &str) -> Result<&str, ClientError> {
    match symbol.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(symbol),
        false => Err(ClientError::Other { what: format!("{symbol:?} names no market") }),
    }
}

/// Hexadecimal digits, with or without 0x before them.
pub(crate) fn unhex(text: &str) -> Result<Vec<u8>, ClientError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).map_err(ClientError::answer)
}

pub(crate) fn digest(text: &str) -> Result<[u8; 32], ClientError> {
    let bytes = unhex(text)?;
    bytes.try_into().map_err(|_| ClientError::answer("a digest is 32 bytes"))
}
