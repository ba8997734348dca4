//! One session: carries out what its trader asks for, and tells what becomes of his account's orders.
//!
//! Commands are handed to the desk in the order in which they came, and many may be under way. What they did is told when the
//! view tells it, which may be before the desk has said which command was whose: then it waits, so that each report goes under
//! the name of the request that caused it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ::fix::{Body, Incoming, Message, Outgoing, SessionEnded, SessionHandle, tags as session};
use exchange::Acknowledgement;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use types::{AccountId, ClientOrderId, Command, MarketId, OrderId, OrderRef, Outcome, Reject};

use super::catch_up::{self, Missed};
use super::hub::{Heard, Told};
use super::known::{Known, Notes};
use super::market_data::{self, Subscriptions};
use super::names::{Names, Use};
use super::reports::{self, Facts, Refusal};
use super::requests::{
    Change, Named, NewOrder, Problem, Scope, check_account, market, order_reason, request_id,
};
use super::securities;
use super::settings::Limits;
use super::tags::{self, kind};
use crate::desk::DeskError;
use crate::keys::Role;
use crate::view::{Execution, History, Market, Order, OrderStatus, Update, Updates};
use crate::{Gateway, client_ids, clock};

/// Why a session is logged out when a key is taken back.
const REVOKED: &str = "a key of the account was revoked; log on again with another";
/// What a trader is told when nobody knows what became of what he asked for.
const UNDECIDED: &str =
    "the exchange stopped: what has no report yet counts or does not, and is told when it is up again";

/// How often it is looked whether the view has caught up with the exchange.
const LOOK: Duration = Duration::from_millis(50);

/// One session.
pub(super) struct Trader {
    gateway: Arc<Gateway>,
    limits: Limits,
    account: AccountId,
    session: SessionHandle,
    heard: Heard,
    known: Known,
    names: Names,
    /// To be noted before what is prepared is handed in.
    to_note: Notes,
    /// Taken, and handed in as soon as the names are on disk.
    prepared: Vec<Prepared>,
    /// Handed to the desk, in order; and questions that must wait for what was asked for before them.
    under_way: FuturesOrdered<Answering>,
    commands_under_way: usize,
    /// The last of our commands whose number is known.
    last_known: u64,
    /// Done, and not told yet, by number.
    done: BTreeMap<u64, Done>,
    /// Heard, and not told yet.
    held: VecDeque<Arc<Updates>>,
    subscriptions: Subscriptions,
    /// Under which Logon the subscriptions were made.
    logon: u64,
    /// Something was missed, and is made up for once it is known what became of all that is under way.
    behind: bool,
    /// What our commands may change that are not told of yet.
    touching: Vec<Touches>,
    /// A replacement that waits until all is told that may change its order. Nothing is read meanwhile.
    waiting: Option<Incoming>,
    /// The exchange stopped before it was known what became of a command. Nothing is taken any more, as nothing that could
    /// be said of an order would be sure.
    undecided: bool,
}

type Answering = Pin<Box<dyn Future<Output = Answered> + Send>>;

/// What was asked for, in order.
enum Prepared {
    Command(Box<Request>, Command),
    Question(Message, u64),
}

/// What comes out of what is under way.
enum Answered {
    Command(Box<Request>, Result<Acknowledgement, DeskError>),
    Question(Message, u64),
}

/// What a command was asked for with.
struct Request {
    message: Message,
    /// The order that is to be cancelled or replaced.
    order: Option<Order>,
    touches: Touches,
}

/// What a command may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touches {
    /// An order.
    Order(OrderId),
    /// Orders of a market: a new one may trade with those that rest.
    Market(MarketId),
    /// Any order.
    All,
}

/// A command that is done.
struct Done {
    request: Request,
    outcome: Outcome,
    batch: u64,
}

/// What is to be told and noted together, all or nothing: what one command did, or what was missed.
#[derive(Default)]
struct Telling {
    bodies: Vec<Body>,
    notes: Notes,
}

impl Telling {
    fn push(&mut self, told: Option<(Body, Notes)>) {
        let Some((body, notes)) = told else { return };
        self.bodies.push(body);
        self.notes.extend(notes);
    }
}

impl Trader {
    pub fn new(
        gateway: Arc<Gateway>,
        limits: Limits,
        account: AccountId,
        session: SessionHandle,
        heard: Heard,
    ) -> Self {
        Self {
            gateway,
            limits,
            account,
            session,
            heard,
            known: Known::default(),
            names: Names::default(),
            to_note: Notes::new(),
            prepared: Vec::new(),
            under_way: FuturesOrdered::new(),
            commands_under_way: 0,
            last_known: 0,
            done: BTreeMap::new(),
            held: VecDeque::new(),
            subscriptions: Subscriptions::default(),
            logon: 0,
            behind: false,
            touching: Vec::new(),
            waiting: None,
            undecided: false,
        }
    }

    /// Runs until the session ends.
    pub async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>) {
        if self.begin().await.is_err() {
            return;
        }
        let mut tick = interval(Duration::from_millis(self.limits.market_data_interval_ms.max(1)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut revocations = self.gateway.keys.revocations();
        loop {
            let going = tokio::select! {
                message = incoming.recv(), if self.has_room() => match message {
                    Some(message) => self.take_all(message, &mut incoming).await,
                    None => return,
                },
                Some(answered) = self.under_way.next(), if !self.under_way.is_empty() => self.answered(answered).await,
                told = self.heard.next() => self.hear(told).await,
                revoked = revocations.recv() => match revoked {
                    Ok(account) if account != self.account => continue,
                    Err(RecvError::Closed) => return,
                    // By which of the account's keys somebody is logged on does not matter: whoever has another logs on again.
                    Ok(_) | Err(RecvError::Lagged(_)) => {
                        self.session.send(Outgoing::LogOut(REVOKED.into())).await
                    }
                },
                _ = tick.tick(), if !self.subscriptions.is_empty() => self.tick().await,
            };
            if going.is_err() || self.make_up().await.is_err() || self.go_on().await.is_err() {
                return;
            }
        }
    }

    /// Takes the replacement that waits, if it need not wait any more.
    async fn go_on(&mut self) -> Result<(), SessionEnded> {
        match self.waiting.take() {
            // What was missed may have changed its order.
            Some(waiting) if self.behind && !self.undecided => {
                self.waiting = Some(waiting);
                Ok(())
            }
            Some(waiting) => {
                self.take(waiting).await?;
                self.hand_in().await
            }
            None => Ok(()),
        }
    }

    fn has_room(&self) -> bool {
        let asked = self.under_way.len() + self.prepared.len();
        !self.behind && self.waiting.is_none() && asked < self.limits.orders_under_way.max(1)
    }

    /// Takes what is here; its names go to disk together.
    async fn take_all(
        &mut self,
        first: Incoming,
        incoming: &mut mpsc::Receiver<Incoming>,
    ) -> Result<(), SessionEnded> {
        self.take(first).await?;
        while self.has_room()
            && let Ok(next) = incoming.try_recv()
        {
            self.take(next).await?;
        }
        self.hand_in().await
    }

    /// Whether a message is a replacement whose order may be changed by what was asked for before: what is left of its
    /// OrderQty is not known then.
    fn must_wait(&self, message: &Message) -> bool {
        if message.kind() != kind::ORDER_CANCEL_REPLACE_REQUEST || self.touching.is_empty() {
            return false;
        }
        let Ok(market) = market(message, &self.gateway.view, 1) else { return false };
        let Ok(named) = Named::read(message, tags::ORIG_CL_ORD_ID) else { return false };
        let order = self.gateway.view.order(self.account, market.id, self.named(&market, named).reference());
        self.touching.iter().any(|touches| match touches {
            // One that is not known may get its name by a replacement that is under way.
            Touches::Order(id) => order.is_none_or(|order| order.id == *id),
            Touches::Market(id) => *id == market.id,
            Touches::All => true,
        })
    }

    /// All is told of what a request did.
    fn is_over(&mut self, request: &Request) {
        if let Some(at) = self.touching.iter().position(|touches| *touches == request.touches) {
            self.touching.swap_remove(at);
        }
    }

    /// Goes on where the session has ended.
    async fn begin(&mut self) -> Result<(), SessionEnded> {
        while !self.gateway.view.is_up_to_date() {
            tokio::time::sleep(LOOK).await;
        }
        let notes = self.session.notes().map_err(|error| {
            tracing::error!(session = %self.session.id(), %error, "the notes of a FIX session cannot be read");
            SessionEnded
        })?;
        match Known::read(&notes).zip(Names::read(&notes)) {
            Some((known, names)) => {
                (self.known, self.names) = (known, names);
                let notes = self.settle_names();
                self.session.send(Outgoing::Note(notes)).await?;
                self.catch_up().await
            }
            None => {
                // A new session hears of what happens from now on.
                let history = self.gateway.view.history(self.account);
                let mut notes = Notes::new();
                for order in history.orders.iter().filter(|order| is_open(order)) {
                    notes.extend(self.known.tell(order, None));
                }
                notes.push(self.known.reached(history.sequence));
                self.session.send(Outgoing::Note(notes)).await
            }
        }
    }

    /// Finds out what became of orders that were under way when the session ended. All that counts is in the view.
    fn settle_names(&mut self) -> Notes {
        let history = self.gateway.view.history(self.account);
        let mut notes = Notes::new();
        for Use { market, name, .. } in self.names.unsure() {
            let number = self.gateway.client_ids.remember(self.account, &name);
            let placed = self.gateway.view.order(self.account, market, OrderRef::Client(number));
            notes.extend(match placed {
                Some(order) => self.names.placed(market, &name, order.id),
                // It never came to be, unless it has ended and is forgotten.
                None if history.forgotten <= self.known.cursor => self.names.remove(market, &name),
                None => Notes::new(),
            });
        }
        notes
    }

    /// A message of the trader's.
    async fn take(&mut self, incoming: Incoming) -> Result<(), SessionEnded> {
        if self.undecided {
            return self.session.send(Outgoing::LogOut(UNDECIDED.into())).await;
        }
        if self.must_wait(&incoming.message) {
            self.waiting = Some(incoming);
            return Ok(());
        }
        let Incoming { message, logon, grant, peer } = incoming;
        let trades = match message.kind() {
            kind::NEW_ORDER_SINGLE
            | kind::ORDER_CANCEL_REQUEST
            | kind::ORDER_CANCEL_REPLACE_REQUEST
            | kind::ORDER_MASS_CANCEL_REQUEST => true,
            kind::ORDER_STATUS_REQUEST | kind::MARKET_DATA_REQUEST | kind::SECURITY_LIST_REQUEST => false,
            _ => {
                let body = reports::business_reject(&message, 3, "Unsupported Message Type");
                return self.session.send(Outgoing::Volatile(body, logon)).await;
            }
        };
        if let Err(problem) = self.charge(&message, peer) {
            return self.refuse(&message, logon, problem).await;
        }
        let needs = if trades { Role::Trade } else { Role::Read };
        if let Err(error) = self.gateway.keys.look_up(&grant, needs) {
            let body = reports::business_reject(&message, 6, &error.to_string());
            return self.session.send(Outgoing::Volatile(body, logon)).await;
        }
        if !trades && message.kind() != kind::MARKET_DATA_REQUEST {
            // After what was asked for before.
            self.prepared.push(Prepared::Question(message, logon));
            return Ok(());
        }
        let refused = match message.kind() {
            kind::MARKET_DATA_REQUEST => return self.market_data(&message, logon).await,
            kind::NEW_ORDER_SINGLE => self.new_order(&message, logon),
            kind::ORDER_MASS_CANCEL_REQUEST => self.mass_cancel(&message),
            _ => self.cancel_or_replace(&message, logon),
        };
        match refused {
            Ok(()) => Ok(()),
            Err(problem) => self.refuse(&message, logon, problem).await,
        }
    }

    /// What the address pays for a message. New orders count by account.
    fn charge(&self, message: &Message, peer: IpAddr) -> Result<(), Problem> {
        let weight = match message.kind() {
            kind::MARKET_DATA_REQUEST => market_data::weight(message),
            kind::ORDER_CANCEL_REQUEST
            | kind::ORDER_CANCEL_REPLACE_REQUEST
            | kind::ORDER_MASS_CANCEL_REQUEST => 1,
            _ => return Ok(()),
        };
        let now = clock::millis();
        let Err(refusal) = self.gateway.limiter.charge(peer, weight, now) else { return Ok(()) };
        let why = format!("too many requests from this address: try again in {} s", refusal.retry_after(now));
        Err(match message.kind() {
            kind::MARKET_DATA_REQUEST => market_data::too_much(&why),
            kind::ORDER_MASS_CANCEL_REQUEST => Problem::Refused(0, why),
            _ => Problem::Refused(2, why),
        })
    }

    /// Counts an order or a replacement; `reason` is what one too many is refused with.
    fn count_order(&self, reason: u8) -> Result<(), Problem> {
        let counted = self.gateway.limiter.take_orders(self.account, 1, clock::millis());
        let why = |refusal: crate::limits::Refusal| format!("too many orders: {:?}", refusal.what);
        counted.map(drop).map_err(|refusal| Problem::Refused(reason, why(refusal)))
    }

    fn new_order(&mut self, message: &Message, logon: u64) -> Result<(), Problem> {
        let NewOrder { market, place, cl_ord_id } =
            NewOrder::read(message, &self.gateway.view, self.account)?;
        let reference = OrderRef::Client(place.client_id);
        let taken = self.gateway.view.order(self.account, market.id, reference).is_some()
            || self.known.find(&cl_ord_id).is_some()
            || self.names.find(market.id, &cl_ord_id).is_some();
        if taken && message.flag(session::POSS_RESEND)? {
            // Sent again because it is not known whether it arrived: it has, and this is how it is.
            self.prepared.push(Prepared::Question(message.clone(), logon));
            return Ok(());
        }
        if taken {
            let why = "the account has or had an order with this ClOrdID in this market";
            return Err(Problem::Refused(order_reason::DUPLICATE, why.into()));
        }
        self.count_order(order_reason::BROKER)?;
        self.gateway.client_ids.remember(self.account, &cl_ord_id);
        let used = Use { market: market.id, name: cl_ord_id, replaces: false, order: None };
        self.to_note.extend(self.names.add(used));
        let touches = Touches::Market(market.id);
        self.prepare(Request { message: message.clone(), order: None, touches }, Command::Place(place));
        Ok(())
    }

    fn cancel_or_replace(&mut self, message: &Message, logon: u64) -> Result<(), Problem> {
        request_id(message, tags::CL_ORD_ID)?;
        check_account(message, self.account)?;
        let market = market(message, &self.gateway.view, 1)?;
        let named = self.named(&market, Named::read(message, tags::ORIG_CL_ORD_ID)?);
        let order = self.gateway.view.order(self.account, market.id, named.reference());
        let command = if message.kind() == kind::ORDER_CANCEL_REQUEST {
            Command::Cancel { market: market.id, order: named.reference() }
        } else {
            let name = message.text(tags::CL_ORD_ID)?;
            let own = OrderRef::Client(client_ids::number(name));
            let taken = self.known.find(name).is_some()
                || self.names.find(market.id, name).is_some()
                || self.gateway.view.order(self.account, market.id, own).is_some();
            if taken && message.flag(session::POSS_RESEND)? {
                self.prepared.push(Prepared::Question(message.clone(), logon));
                return Ok(());
            }
            if taken || !client_ids::is_client_id(name) {
                let why = "ClOrdID is taken, or not 1 to 36 letters, digits or .:/_-";
                return Err(Problem::Refused(6, why.into()));
            }
            let Change { price, quantity } = Change::read(message, &market)?;
            let order = order.ok_or_else(|| Problem::Refused(1, "there is no such order".into()))?;
            // OrderQty is in all, the exchange's quantity is what is left.
            let executed = order.executed.0 + order.prevented.0;
            let left = quantity.0.checked_sub(executed).filter(|left| *left > 0);
            let left = left.ok_or_else(|| Problem::Refused(0, "OrderQty is not above CumQty".into()))?;
            self.count_order(2)?;
            let used =
                Use { market: market.id, name: name.to_owned(), replaces: true, order: Some(order.id) };
            self.to_note.extend(self.names.add(used));
            Command::Replace {
                market: market.id,
                order: OrderRef::Id(order.id),
                price,
                quantity: types::Quantity(left),
                left: Some(types::Quantity(order.quantity.0.saturating_sub(executed))),
            }
        };
        let touches = order.map_or(Touches::Market(market.id), |order| Touches::Order(order.id));
        self.prepare(Request { message: message.clone(), order, touches }, command);
        Ok(())
    }

    fn mass_cancel(&mut self, message: &Message) -> Result<(), Problem> {
        request_id(message, tags::CL_ORD_ID)?;
        let Scope { market, side } = Scope::read(message, &self.gateway.view)?;
        let market = market.map(|market| market.id);
        let command = Command::MassCancel { market, side };
        let touches = market.map_or(Touches::All, Touches::Market);
        self.prepare(Request { message: message.clone(), order: None, touches }, command);
        Ok(())
    }

    /// Names that replacements gave are known here only.
    fn named(&self, market: &Market, named: Named) -> Named {
        let Named::Name(name) = &named else { return named };
        let replaced = self.names.find(market.id, name).filter(|used| used.replaces);
        self.known.find(name).or(replaced.and_then(|used| used.order)).map_or(named, Named::Id)
    }

    /// Takes a command into its place.
    fn prepare(&mut self, request: Request, command: Command) {
        self.touching.push(request.touches);
        self.prepared.push(Prepared::Command(Box::new(request), command));
    }

    /// Hands what is prepared to the desk, once the names of it are on disk. Commands keep their order.
    async fn hand_in(&mut self) -> Result<(), SessionEnded> {
        if !self.to_note.is_empty() {
            self.session.write(std::mem::take(&mut self.to_note)).await?;
        }
        for prepared in std::mem::take(&mut self.prepared) {
            let mut answering: Answering = match prepared {
                Prepared::Command(request, command) => {
                    self.commands_under_way += 1;
                    let (gateway, account) = (Arc::clone(&self.gateway), self.account);
                    Box::pin(async move {
                        let result = gateway.desk.place(account, vec![command]).await;
                        Answered::Command(request, result)
                    })
                }
                Prepared::Question(message, logon) => {
                    Box::pin(std::future::ready(Answered::Question(message, logon)))
                }
            };
            // It is in its place once it has begun to wait.
            match answering.as_mut().now_or_never() {
                Some(answered) => self.under_way.push_back(Box::pin(std::future::ready(answered))),
                None => self.under_way.push_back(answering),
            }
        }
        Ok(())
    }

    /// What was not carried out, before the exchange saw it.
    async fn refuse(&mut self, message: &Message, logon: u64, problem: Problem) -> Result<(), SessionEnded> {
        let (reason, why) = match problem {
            Problem::Field(error) => {
                let body = reports::field_reject(message, error);
                return self.session.send(Outgoing::Volatile(body, logon)).await;
            }
            Problem::Refused(reason, why) if message.kind() == kind::MARKET_DATA_REQUEST => {
                let body = market_data::reject(message, (reason, &why));
                return self.session.send(Outgoing::Volatile(body, logon)).await;
            }
            Problem::Refused(reason, why) => (reason, why),
        };
        let body = self.rejection(message, None, (reason, &why), None);
        self.session.send(Outgoing::Kept(body, Notes::new())).await
    }

    /// What rejects a request of this kind.
    fn rejection(
        &self,
        message: &Message,
        order: Option<&Order>,
        reason: (u8, &str),
        done: Option<Refusal>,
    ) -> Body {
        match message.kind() {
            kind::NEW_ORDER_SINGLE => reports::rejected(message, reason, done),
            kind::ORDER_MASS_CANCEL_REQUEST => reports::mass_cancel(message, Err(reason), done),
            _ => {
                // Reasons of tag 103 that are none of tag 102.
                let reason = (if reason.0 > 6 { 99 } else { reason.0 }, reason.1);
                let now = order.and_then(|order| self.gateway.view.order_by_id(order.id));
                reports::cancel_reject(message, now.as_ref().or(order), reason, done)
            }
        }
    }

    async fn answered(&mut self, answered: Answered) -> Result<(), SessionEnded> {
        match answered {
            Answered::Question(message, logon) => {
                // Whatever is in the view is told before.
                while let Some(told) = self.heard.try_next() {
                    self.hear(told).await?;
                }
                self.question(&message, logon).await
            }
            Answered::Command(request, Ok(acknowledgement)) => {
                self.commands_under_way -= 1;
                let Acknowledgement { first_sequence, batch, outcomes, .. } = acknowledgement;
                self.last_known = first_sequence;
                let outcome = outcomes.first().copied().unwrap_or(Outcome::Done);
                self.done.insert(first_sequence, Done { request: *request, outcome, batch });
                self.tell_held().await
            }
            // Not rejected: it may come alive with the exchange, and is told by catching up then.
            Answered::Command(_, Err(DeskError::Unanswered)) => {
                self.commands_under_way -= 1;
                self.undecided = true;
                self.session.send(Outgoing::LogOut(UNDECIDED.into())).await
            }
            Answered::Command(request, Err(error)) => {
                self.is_over(&request);
                self.commands_under_way -= 1;
                let notes = self.settle(&request.message, None);
                let Request { message, order, .. } = *request;
                let reason = if message.kind() == kind::NEW_ORDER_SINGLE { order_reason::BROKER } else { 2 };
                let reason = if message.kind() == kind::ORDER_MASS_CANCEL_REQUEST { 0 } else { reason };
                let body = self.rejection(&message, order.as_ref(), (reason, &error.to_string()), None);
                self.session.send(Outgoing::Kept(body, notes)).await?;
                self.tell_held().await
            }
        }
    }

    /// What a request did is known, and so what its ClOrdID was used for: nothing, when it has no outcome.
    fn settle(&mut self, message: &Message, outcome: Option<Outcome>) -> Notes {
        let named = [kind::NEW_ORDER_SINGLE, kind::ORDER_CANCEL_REPLACE_REQUEST].contains(&message.kind());
        let name = message.text(tags::CL_ORD_ID);
        let market = message.text(tags::SYMBOL).ok().and_then(|symbol| self.gateway.view.market(symbol));
        let (true, Ok(name), Some(market)) = (named, name, market) else { return Notes::new() };
        match outcome {
            Some(Outcome::Accepted(id)) => self.names.placed(market.id, name, id),
            None | Some(Outcome::Rejected(_)) => self.names.remove(market.id, name),
            Some(_) => Notes::new(),
        }
    }

    async fn question(&mut self, message: &Message, logon: u64) -> Result<(), SessionEnded> {
        let answer = match message.kind() {
            kind::SECURITY_LIST_REQUEST => securities::list(message, &self.gateway.view),
            _ => self.status(message),
        };
        let body = match answer {
            Ok(body) => body,
            Err(Problem::Field(error)) => reports::field_reject(message, error),
            // A request that was sent again. Nothing is said of its state that is not known.
            Err(Problem::Refused(_, why)) if message.kind() != kind::ORDER_STATUS_REQUEST => {
                reports::business_reject(message, 0, &why)
            }
            Err(Problem::Refused(_, why)) => reports::unknown_order(message, &why),
        };
        self.session.send(Outgoing::Volatile(body, logon)).await
    }

    fn status(&self, message: &Message) -> Result<Body, Problem> {
        let market = market(message, &self.gateway.view, order_reason::UNKNOWN_SYMBOL)?;
        let asked = Named::read(message, tags::CL_ORD_ID)?;
        let named = self.named(&market, asked.clone());
        let request = message.optional_text(tags::ORD_STATUS_REQ_ID)?;
        let Some(order) = self.gateway.view.order(self.account, market.id, named.reference()) else {
            let used = message.optional_text(tags::CL_ORD_ID)?;
            let used = used.and_then(|name| self.names.find(market.id, name));
            let why = match used.map(|used| used.order) {
                Some(Some(id)) => format!(
                    "known, and so not carried out again: order {id}, whose state is not kept any more"
                ),
                Some(None) => {
                    "known, and so not carried out again; its state is not kept any more".to_owned()
                }
                None => "there is no such order".to_owned(),
            };
            return Err(Problem::Refused(order_reason::UNKNOWN_ORDER, why));
        };
        let name = match asked {
            Named::Name(name) => name,
            Named::Id(_) => self.name_of(&order),
        };
        let facts = Facts {
            market: &market,
            order: &order,
            cl_ord_id: &name,
            orig_cl_ord_id: None,
            sequence: order.updated_sequence,
            batch: None,
            time: order.updated,
        };
        Ok(reports::status(&facts, request))
    }

    async fn market_data(&mut self, message: &Message, logon: u64) -> Result<(), SessionEnded> {
        self.check_logon();
        if logon != self.logon {
            return Ok(());
        }
        let answer = self.subscriptions.request(message, &self.gateway.view, self.limits.subscriptions);
        let bodies = match answer {
            Ok(bodies) => bodies,
            Err(problem) => return self.refuse(message, logon, problem).await,
        };
        for body in bodies {
            self.session.send(Outgoing::Volatile(body, logon)).await?;
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), SessionEnded> {
        self.check_logon();
        for body in self.subscriptions.tick(&self.gateway.view) {
            self.session.send(Outgoing::Volatile(body, self.logon)).await?;
        }
        Ok(())
    }

    /// Subscriptions end with the connection.
    fn check_logon(&mut self) {
        let status = self.session.status();
        if !status.online || status.logon != self.logon {
            self.subscriptions.clear();
            self.logon = status.logon;
        }
    }

    async fn hear(&mut self, told: Told) -> Result<(), SessionEnded> {
        match told {
            Told::Updates(updates) => {
                self.held.push_back(updates);
                self.tell_held().await
            }
            Told::Missed => {
                self.behind = true;
                Ok(())
            }
        }
    }

    /// Catches up, if something was missed and nothing is under way.
    async fn make_up(&mut self) -> Result<(), SessionEnded> {
        if self.behind && self.commands_under_way == 0 {
            self.behind = false;
            self.catch_up().await?;
        }
        Ok(())
    }

    /// Tells what was heard, as far as it is known whose commands it was.
    async fn tell_held(&mut self) -> Result<(), SessionEnded> {
        if self.behind {
            return Ok(());
        }
        while let Some(updates) = self.held.front() {
            let sequence = updates.sequence;
            let ours = updates.account == self.account;
            let known = self.done.contains_key(&sequence) || sequence <= self.last_known;
            if ours && !known && self.commands_under_way > 0 {
                break;
            }
            let Some(updates) = self.held.pop_front() else { break };
            if sequence > self.known.cursor {
                let telling = self.tell(&updates);
                self.send(telling).await?;
            }
        }
        // What was told of already, by catching up.
        while let Some(entry) = self.done.first_entry()
            && *entry.key() <= self.known.cursor
        {
            let (sequence, done) = entry.remove_entry();
            self.is_over(&done.request);
            let mut telling = Telling::default();
            self.finish(sequence, &done, None, &mut telling);
            self.send(telling).await?;
        }
        Ok(())
    }

    /// Tells of one command.
    fn tell(&mut self, updates: &Updates) -> Telling {
        let mut telling = Telling::default();
        let done = self.done.remove(&updates.sequence);
        let executions = updates.list.iter().filter_map(|update| match update {
            Update::Order(_, execution) => Some(*execution),
            _ => None,
        });
        let answers = done.as_ref().and_then(|done| Answers::of(&done.request, executions));
        for update in &updates.list {
            let Update::Order(order, execution) = update else { continue };
            if order.account != self.account {
                continue;
            }
            let names = answers.as_ref().and_then(|answers| answers.name(order.id, *execution));
            let execution = Some(*execution);
            let missed = Missed { order: *order, execution, sequence: updates.sequence };
            let report = self.report(&missed, names, Some(updates.batch));
            telling.push(report);
        }
        let reports = telling.bodies.len();
        if let Some(done) = done {
            self.is_over(&done.request);
            let count = (done.outcome == Outcome::Done).then_some(reports);
            self.finish(updates.sequence, &done, count, &mut telling);
        }
        let note = self.known.reached(updates.sequence);
        // Where nothing was to be told, the next note is soon enough.
        if !telling.bodies.is_empty() || !telling.notes.is_empty() {
            telling.notes.push(note);
        }
        telling
    }

    /// The report of something that happened to an order. `name` is that of the request which asked for it, if one did.
    fn report(&mut self, missed: &Missed, name: Option<&str>, batch: Option<u64>) -> Option<(Body, Notes)> {
        let Missed { order, execution, sequence } = missed;
        let market: Arc<Market> = self.gateway.view.market_by_id(order.market)?;
        let before = self.name_of(order);
        let facts = Facts {
            market: &market,
            order,
            cl_ord_id: name.unwrap_or(&before),
            orig_cl_ord_id: name.map(|_| before.as_str()),
            sequence: *sequence,
            batch,
            time: order.updated,
        };
        let body = match execution {
            Some(execution) => reports::execution(&facts, execution),
            None => reports::without_trades(&facts),
        };
        let new_name = name.filter(|_| *execution == Some(Execution::Replaced));
        Some((body, self.known.tell(order, new_name)))
    }

    /// What else a command that is done is answered with: nothing, when the reports say it all.
    fn finish(&mut self, sequence: u64, done: &Done, count: Option<usize>, telling: &mut Telling) {
        let Done { request: Request { message, order, .. }, outcome, batch } = done;
        let refusal = |reject| Some(Refusal { sequence, batch: *batch, reject });
        let body = match outcome {
            Outcome::Rejected(reject) => {
                let reason = match message.kind() {
                    kind::NEW_ORDER_SINGLE => reports::order_reason_of(*reject),
                    kind::ORDER_MASS_CANCEL_REQUEST => 99,
                    _ if *reject == Reject::UnknownOrder => u8::from(order.is_none()),
                    _ => 99,
                };
                let why = reject.sentence();
                Some(self.rejection(message, order.as_ref(), (reason, why), refusal(Some(*reject))))
            }
            _ if message.kind() == kind::ORDER_MASS_CANCEL_REQUEST => {
                Some(reports::mass_cancel(message, Ok(count), refusal(None)))
            }
            _ => None,
        };
        telling.bodies.extend(body);
        telling.notes.extend(self.settle(message, Some(*outcome)));
    }

    /// The name that the trader knows an order by; empty when it has none.
    fn name_of(&self, order: &Order) -> String {
        match self.known.name(order.id) {
            Some(name) => name.to_owned(),
            None if order.client_id == ClientOrderId::NONE => String::new(),
            None if let Some(name) = self.names.of(order) => name.to_owned(),
            None => self.gateway.client_ids.text(self.account, order.client_id),
        }
    }

    /// Tells what the view knows and the session has not told.
    async fn catch_up(&mut self) -> Result<(), SessionEnded> {
        let history = self.gateway.view.history(self.account);
        let mut all = catch_up::missed(&history, &self.known);
        self.name_replacements(&history, &mut all.list);
        let (count, sequence) = (all.list.len(), history.sequence);
        tracing::info!(session = %self.session.id(), count, sequence, "a FIX session catches up");
        let mut telling = Telling::default();
        if all.forgotten {
            let (from, to) = (self.known.cursor, history.forgotten);
            let why = format!(
                "orders that ended between the commands {from} and {to} are not kept any more; reports of them are missing"
            );
            telling.bodies.push(reports::notice(None, &why));
        }
        for id in all.vanished {
            let why = format!("order {id} has ended, and how is not kept any more");
            telling.bodies.push(reports::notice(self.known.name(id), &why));
            telling.notes.push(self.known.forget(id));
        }
        for missed in &all.list {
            let same = all.list.iter().filter(|other| other.sequence == missed.sequence);
            let answers = self
                .done
                .get(&missed.sequence)
                .and_then(|done| Answers::of(&done.request, same.filter_map(|missed| missed.execution)));
            let name =
                missed.execution.and_then(|what| answers?.name(missed.order.id, what).map(str::to_owned));
            let report = self.report(missed, name.as_deref(), None);
            telling.push(report);
        }
        telling.notes.push(self.known.reached(history.sequence));
        self.send(telling).await?;
        // Answers to what was done meanwhile.
        Box::pin(self.tell_held()).await
    }

    /// A replacement that was asked for here is told under its own name and number, with the order's terms of now.
    fn name_replacements(&self, history: &History, missed: &mut Vec<Missed>) {
        let new = |sequence: u64| sequence > self.known.cursor && sequence <= history.sequence;
        for (sequence, Done { request, outcome, .. }) in self.done.iter().filter(|(at, _)| new(**at)) {
            let replaced =
                request.message.kind() == kind::ORDER_CANCEL_REPLACE_REQUEST && *outcome == Outcome::Done;
            let (true, Touches::Order(id)) = (replaced, request.touches) else { continue };
            let Ok(at) = history.orders.binary_search_by_key(&id, |order| order.id) else { continue };
            let order = history.orders[at];
            // What had traded before left nothing of it.
            if order.updated_sequence == *sequence && order.status == OrderStatus::Canceled {
                continue;
            }
            let execution = Some(Execution::Replaced);
            missed.retain(|missed| missed.order.id != id || missed.execution != execution);
            missed.push(Missed { order, execution, sequence: *sequence });
        }
        missed.sort_by_key(|missed| missed.sequence);
    }

    async fn send(&mut self, Telling { bodies, notes }: Telling) -> Result<(), SessionEnded> {
        if bodies.is_empty() && notes.is_empty() {
            return Ok(());
        }
        self.session.send(Outgoing::Together(bodies, notes)).await
    }
}

fn is_open(order: &Order) -> bool {
    matches!(order.status, OrderStatus::New | OrderStatus::PartiallyFilled)
}

/// Which of a command's reports goes under the name of the request that asked for it.
struct Answers<'a> {
    name: &'a str,
    order: Option<OrderId>,
    execution: Execution,
}

impl<'a> Answers<'a> {
    fn of(request: &'a Request, mut executions: impl Iterator<Item = Execution>) -> Option<Self> {
        let execution = match request.message.kind() {
            kind::ORDER_CANCEL_REQUEST => Execution::Canceled,
            kind::ORDER_CANCEL_REPLACE_REQUEST if executions.any(|what| what == Execution::Replaced) => {
                Execution::Replaced
            }
            // What traded before left nothing of it.
            kind::ORDER_CANCEL_REPLACE_REQUEST => Execution::Canceled,
            _ => return None,
        };
        let order = request.order.map(|order| order.id);
        request.message.text(tags::CL_ORD_ID).ok().map(|name| Self { name, order, execution })
    }

    fn name(&self, order: OrderId, execution: Execution) -> Option<&'a str> {
        let its = self.order.is_none_or(|asked| asked == order) && self.execution == execution;
        its.then_some(self.name)
    }
}
