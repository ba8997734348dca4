//! Makes each message once, whoever many follow its channel, and only of channels that somebody follows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use exchange::{FeedError, FeedUpdate, TapeEntry, Topic};
use serde::Serialize;
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};
use types::{AccountId, Command, Event, OperatorCommand, Origin};

use super::protocol::{Channel, CommandBody, DepthBody, ExecutionsBody, Told, TradeBody};
use crate::native::Native;
use crate::native::batch_answers::TransitionBody;
use crate::native::hexadecimal::show;
use crate::native::results::EventBody;
use crate::view::{Update, Updates};

/// Messages of a channel that may wait for its slowest reader; whoever is further behind is told of a gap.
const QUEUE: usize = 1_024;
/// Commands that may wait for this process to take them from the tape.
const TAPE: usize = 1 << 18;
/// How long the tape is waited for before it is seen whether the API has ended.
const PATIENCE: Duration = Duration::from_millis(500);
/// Transitions that are taken at a time.
const TRANSITIONS: usize = 64;

/// A message of a channel.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// As the message has it.
    pub number: u64,
    /// The message.
    pub text: Utf8Bytes,
}

struct Followed {
    sender: Sender<Frame>,
    /// Of the last message, where the channel's own numbers are counted here.
    number: u64,
}

/// All channels that somebody follows.
pub(crate) struct Hub {
    channels: Mutex<HashMap<Channel, Followed>>,
}

impl Hub {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { channels: Mutex::default() })
    }

    /// Follows a channel from now on.
    pub fn follow(&self, channel: Channel) -> Receiver<Frame> {
        let mut channels = self.lock();
        let new = || Followed { sender: broadcast::channel(QUEUE).0, number: 0 };
        channels.entry(channel).or_insert_with(new).sender.subscribe()
    }

    /// Forgets channels that nobody follows any more.
    pub fn leave(&self, channel: Channel) {
        let mut channels = self.lock();
        if channels.get(&channel).is_some_and(|followed| followed.sender.receiver_count() == 0) {
            channels.remove(&channel);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Channel, Followed>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to follow the exchange, until the API ends.
    pub fn start(&self, native: &Arc<Native>) {
        let updates = native.gateway.view.subscribe();
        tokio::spawn(follow_view(Arc::downgrade(native), updates));
        tokio::spawn(follow_batches(Arc::downgrade(native)));
        let weak = Arc::downgrade(native);
        let started = std::thread::Builder::new().name("tape".into()).spawn(move || follow_tape(&weak));
        if let Err(error) = started {
            tracing::error!(%error, "the channel of commands is silent: no thread");
        }
    }

    fn view(&self, native: &Native, updates: &Updates) {
        let mut channels = self.lock();
        if channels.is_empty() {
            return;
        }
        let (sequence, time) = (updates.sequence, updates.time.0);
        let mut executions: Vec<(AccountId, ExecutionsBody)> = Vec::new();
        for update in &updates.list {
            let account = match update {
                Update::Trade(trade) => {
                    if let Some(followed) = channels.get(&Channel::Trades(trade.market)) {
                        let Some(market) = native.gateway.view.market_by_id(trade.market) else { continue };
                        let (market, number) = (market.symbol.as_str(), trade.id);
                        let data = TradeBody::from(trade);
                        followed.tell(number, &Told::Trades { market, number, sequence, time, data });
                    }
                    continue;
                }
                Update::Depth(change) => {
                    if let Some(followed) = channels.get(&Channel::Depth(change.market)) {
                        let Some(market) = native.gateway.view.market_by_id(change.market) else { continue };
                        let (market, number) = (market.symbol.as_str(), change.update);
                        let data = DepthBody::new(false, &change.bids, &change.asks);
                        let (sequence, time) = (Some(sequence), Some(time));
                        followed.tell(number, &Told::Depth { market, number, sequence, time, data });
                    }
                    continue;
                }
                Update::Order(order, _) => order.account,
                Update::Rejected(account, _) | Update::Balances(account, _) => *account,
                Update::Best(..) | Update::Market(_) => continue,
            };
            if !channels.contains_key(&Channel::Executions(account)) {
                continue;
            }
            match executions.iter_mut().find(|(known, _)| *known == account) {
                Some((_, body)) => body.add(update),
                None => {
                    let mut body = ExecutionsBody::default();
                    body.add(update);
                    executions.push((account, body));
                }
            }
        }
        for (account, data) in executions {
            if data.is_empty() {
                continue;
            }
            if let Some(followed) = channels.get_mut(&Channel::Executions(account)) {
                followed.number += 1;
                let number = followed.number;
                let account = account.0;
                followed.tell(number, &Told::Executions { account, number, sequence, time, data });
            }
        }
    }

    fn tape(&self, entry: &TapeEntry) {
        if let Some(followed) = self.lock().get(&Channel::Commands) {
            let number = entry.sequenced.sequence;
            let time = entry.sequenced.timestamp.0;
            followed.tell(number, &Told::Commands { number, time, data: taped(entry) });
        }
    }
}

impl Followed {
    fn tell(&self, number: u64, told: &impl Serialize) {
        match serde_json::to_string(told) {
            // Nobody may be left.
            Ok(text) => drop(self.sender.send(Frame { number, text: text.into() })),
            Err(error) => tracing::error!(%error, "a message cannot be written"),
        }
    }
}

async fn follow_view(native: Weak<Native>, mut updates: Receiver<Arc<Updates>>) {
    loop {
        match updates.recv().await {
            Ok(updates) => {
                let Some(native) = native.upgrade() else { return };
                native.hub.view(&native, &updates);
            }
            // Channels show the gap by their numbers: depth is begun anew by whoever follows it.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "the stream does not keep up"),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn follow_batches(native: Weak<Native>) {
    let Some(mut news) = native.upgrade().map(|native| native.lifecycle.news()) else { return };
    let mut known = *news.borrow_and_update();
    while news.changed().await.is_ok() {
        news.borrow_and_update();
        loop {
            let Some(native) = native.upgrade() else { return };
            let transitions = native.lifecycle.transitions(known, TRANSITIONS);
            if let Some((_, to)) = transitions.missed {
                known = to;
            }
            let Some(last) = transitions.list.last() else { break };
            known = last.number;
            if let Some(followed) = native.hub.lock().get(&Channel::Batches) {
                for transition in &transitions.list {
                    let data = TransitionBody::new(transitions.run, transition);
                    let number = transition.number;
                    followed.tell(number, &Told::Batches { number, data });
                }
            }
        }
    }
}

fn follow_tape(native: &Weak<Native>) {
    loop {
        let Some(subscription) =
            native.upgrade().map(|native| native.gateway.exchange.subscribe_with(Topic::Commands, TAPE))
        else {
            return;
        };
        loop {
            let Some(native) = native.upgrade() else { return };
            let hub = Arc::clone(&native.hub);
            drop(native);
            match subscription.next_within(PATIENCE) {
                Ok(message) => {
                    if let FeedUpdate::Command(entry) = &message.body {
                        hub.tape(entry);
                    }
                }
                Err(FeedError::Timeout) => {}
                Err(FeedError::Ended) => return,
                // Numbers show what is missing.
                Err(FeedError::Dropped { sequence }) => {
                    tracing::warn!(sequence, "the tape is not read fast enough");
                    break;
                }
            }
        }
    }
}

fn taped(entry: &TapeEntry) -> CommandBody {
    let sequenced = &entry.sequenced;
    let secret = matches!(&sequenced.command, Command::Place(place) if place.trigger.is_some());
    let mut encoded = Vec::new();
    sequenced.command.encode(&mut encoded);
    CommandBody {
        account: sequenced.account.0,
        origin: match sequenced.origin {
            Origin::Session => "session",
            Origin::Owner => "owner",
            Origin::L1(_) => "l1",
        },
        kind: kind(&sequenced.command),
        command: (!secret).then(|| show(encoded)),
        batch: entry.batch,
        outcome: entry.outcome.into(),
        events: entry
            .events
            .iter()
            .filter(|event| !matches!(event, Event::Waiting { .. }))
            .map(EventBody::from)
            .collect(),
    }
}

fn kind(command: &Command) -> &'static str {
    match command {
        Command::Place(_) => "place",
        Command::Cancel { .. } => "cancel",
        Command::Replace { .. } => "replace",
        Command::MassCancel { .. } => "massCancel",
        Command::Withdraw { .. } => "withdraw",
        Command::RegisterSession { .. } => "registerSession",
        Command::Deposit { .. } => "deposit",
        Command::Operator(command) => match **command {
            OperatorCommand::ListAsset(_) => "listAsset",
            OperatorCommand::CreateMarket(_) => "createMarket",
            OperatorCommand::ChangeMarket { .. } => "changeMarket",
            OperatorCommand::HaltMarket { .. } => "haltMarket",
            OperatorCommand::ResumeMarket { .. } => "resumeMarket",
            OperatorCommand::SuspendAccount { .. } => "suspendAccount",
            OperatorCommand::SetLimits { .. } => "setLimits",
            OperatorCommand::MassCancel { .. } => "operatorMassCancel",
            OperatorCommand::HaltExchange { .. } => "haltExchange",
            OperatorCommand::AdvanceTime => "advanceTime",
        },
    }
}
