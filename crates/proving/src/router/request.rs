//! What is asked for: a range of batches to prove, classified by what is in it.

use core::fmt;
use core::ops::AddAssign;

use transition::{BatchInput, BatchRange, CommandsHeader};
use types::{
    Command, DecodeError, OperatorCommand, OrderType, Place, Reader, Sequenced, TimeInForce, Timestamp,
};

use super::{Limits, Strategy};

/// What a range of batches is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestClass {
    /// One command that places an order which may rest: limit orders that are good till cancelled or till a date,
    /// waiting orders, replacements. Whether it trades at once is not known before it is executed.
    Placement,
    /// One command that cancels one order or many.
    Cancellation,
    /// One order that trades at once or not at all: market, immediate or cancel, fill or kill.
    Match,
    /// One batch of any other number of commands, or one command that is none of the above.
    Batch {
        /// How many commands.
        commands: u64,
    },
    /// Consecutive batches in one proof.
    ComplianceRange {
        /// How many batches.
        batches: u64,
    },
}

impl RequestClass {
    /// What a request of this class is optimised for unless somebody says otherwise: somebody waits for a single
    /// operation; a batch should be cheap and soon; a range is kept and sent around.
    #[must_use]
    pub fn usual_strategy(self) -> Strategy {
        match self {
            Self::Placement | Self::Cancellation | Self::Match => Strategy::Latency,
            Self::Batch { .. } => Strategy::Balanced,
            Self::ComplianceRange { .. } => Strategy::Size,
        }
    }

    fn of_command(command: &Command) -> Self {
        match command {
            Command::Place(place) if trades_at_once(place) => Self::Match,
            Command::Place(_) | Command::Replace { .. } => Self::Placement,
            Command::Cancel { .. } | Command::MassCancel { .. } => Self::Cancellation,
            Command::Operator(operator) if matches!(**operator, OperatorCommand::MassCancel { .. }) => {
                Self::Cancellation
            }
            _ => Self::Batch { commands: 1 },
        }
    }
}

impl fmt::Display for RequestClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Placement => f.write_str("a placement"),
            Self::Cancellation => f.write_str("a cancellation"),
            Self::Match => f.write_str("a match"),
            Self::Batch { commands } => write!(f, "a batch of {commands} commands"),
            Self::ComplianceRange { batches } => write!(f, "a range of {batches} batches"),
        }
    }
}

/// How much there is to prove, in what a system's [`CycleModel`](super::CycleModel) needs to estimate its cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Batches.
    pub batches: u64,
    /// Commands in all of them.
    pub commands: u64,
    /// Signatures of sessions and owners.
    pub signatures: u64,
    /// Bytes of witness.
    pub witness_bytes: u64,
}

impl Workload {
    /// How much a range is. Of its commands only the counts are read, and not checked.
    #[must_use]
    pub fn of(range: &BatchRange) -> Self {
        let mut workload = Self::default();
        range.inputs().iter().for_each(|input| workload += Self::of_batch(input));
        workload
    }

    /// How much a batch is, in the same way.
    #[must_use]
    pub fn of_batch(input: &BatchInput) -> Self {
        let commands =
            CommandsHeader::decode(&mut Reader::new(&input.commands)).map_or(0, |header| header.count);
        Self {
            batches: 1,
            commands,
            signatures: (input.authorisation.streams.len() + input.authorisation.owners.len()) as u64,
            witness_bytes: input.witness.len() as u64,
        }
    }
}

impl AddAssign for Workload {
    fn add_assign(&mut self, other: Self) {
        self.batches = self.batches.saturating_add(other.batches);
        self.commands = self.commands.saturating_add(other.commands);
        self.signatures = self.signatures.saturating_add(other.signatures);
        self.witness_bytes = self.witness_bytes.saturating_add(other.witness_bytes);
    }
}

/// A range of batches of which somebody wants a proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What it is.
    pub class: RequestClass,
    /// How much it is.
    pub workload: Workload,
    /// When it was asked for: how long it has waited counts from here.
    pub queued: Timestamp,
    /// What must hold of whoever makes the proof.
    pub limits: Limits,
    /// What to prefer among those.
    pub strategy: Strategy,
}

impl Request {
    /// A request for a proof of `range` within `limits`, with the class's usual strategy.
    ///
    /// # Errors
    /// When the commands do not decode. Of a batch with more than one command only the header is read.
    pub fn new(range: &BatchRange, limits: Limits, queued: Timestamp) -> Result<Self, DecodeError> {
        let workload = Workload::of(range);
        let mut single = None;
        for input in range.inputs() {
            let mut r = Reader::new(&input.commands);
            let header = CommandsHeader::decode(&mut r)?;
            // A command has at least four bytes, so a header cannot claim more work than its bytes hold.
            let limit = r.left() as u64 / 4;
            if header.count > limit {
                return Err(DecodeError::TooLong { what: "command count", found: header.count, limit });
            }
            if header.count == 1 {
                let first = Sequenced::decode(header.first_sequence, header.previous_timestamp, &mut r)?;
                r.finish()?;
                single = Some(first.command);
            }
        }
        let class = match (workload.batches, single) {
            (1, Some(command)) => RequestClass::of_command(&command),
            (1, None) => RequestClass::Batch { commands: workload.commands },
            (batches, _) => RequestClass::ComplianceRange { batches },
        };
        Ok(Self { class, workload, queued, limits, strategy: class.usual_strategy() })
    }
}

fn trades_at_once(place: &Place) -> bool {
    let rests = matches!(place.order_type, OrderType::Limit { .. })
        && matches!(place.time_in_force, TimeInForce::Gtc | TimeInForce::Gtd(_));
    place.trigger.is_none() && !rests
}

#[cfg(test)]
mod tests {
    use super::*;
    use transition::{Authorisation, CommandsBlob};
    use types::{
        AccountId, ClientOrderId, MarketId, OrderRef, Origin, Price, Quantity, Side, Trigger, TriggerKind,
    };

    fn input(commands: &[Command]) -> BatchInput {
        let mut blob = CommandsBlob::new(3, 10, Timestamp(5));
        for (sequence, command) in (10..).zip(commands) {
            blob.push(&Sequenced {
                sequence,
                timestamp: Timestamp(6),
                account: AccountId(1),
                origin: Origin::Session,
                command: command.clone(),
            });
        }
        BatchInput {
            previous_root: [0; 32],
            commands: blob.finish(),
            authorisation: Authorisation { streams: vec![(AccountId(1), [0; 64])], owners: vec![[0; 65]] },
            witness: vec![0; 100],
        }
    }

    fn request(range: &BatchRange) -> Result<Request, DecodeError> {
        Request::new(range, Limits::default(), Timestamp(1))
    }

    fn class(command: Command) -> RequestClass {
        request(&input(&[command]).into()).unwrap().class
    }

    fn limit() -> Place {
        Place::limit(MarketId(1), Side::Buy, Price(5), Quantity(1))
    }

    #[test]
    fn a_single_command_is_classified_by_what_it_can_do() {
        let order = OrderRef::Client(ClientOrderId(1));
        let market = Place::market(MarketId(1), Side::Sell, Quantity(1));
        let trigger = Some(Trigger { kind: TriggerKind::StopLoss, price: Price(4) });
        for (command, expected) in [
            (Command::Place(limit()), RequestClass::Placement),
            (Command::Place(Place { trigger, ..market }), RequestClass::Placement),
            (
                Command::Replace {
                    market: MarketId(1),
                    order,
                    price: Price(1),
                    quantity: Quantity(1),
                    left: None,
                },
                RequestClass::Placement,
            ),
            (Command::Place(market), RequestClass::Match),
            (Command::Place(Place { time_in_force: TimeInForce::Fok, ..limit() }), RequestClass::Match),
            (Command::Place(Place { time_in_force: TimeInForce::Ioc, ..limit() }), RequestClass::Match),
            (Command::Cancel { market: MarketId(1), order }, RequestClass::Cancellation),
            (Command::MassCancel { market: None, side: None }, RequestClass::Cancellation),
            (
                Command::Operator(Box::new(OperatorCommand::MassCancel {
                    account: AccountId(3),
                    market: None,
                    side: None,
                })),
                RequestClass::Cancellation,
            ),
            (Command::Operator(Box::new(OperatorCommand::AdvanceTime)), RequestClass::Batch { commands: 1 }),
        ] {
            assert_eq!(class(command.clone()), expected, "{command:?}");
        }
    }

    #[test]
    fn several_commands_are_a_batch_and_several_batches_a_range() {
        let two = input(&[Command::Place(limit()), Command::Place(limit())]);
        let batch = request(&two.clone().into()).unwrap();
        assert_eq!(batch.class, RequestClass::Batch { commands: 2 });
        assert_eq!(batch.strategy, Strategy::Balanced);
        let expected = Workload { batches: 1, commands: 2, signatures: 2, witness_bytes: 100 };
        assert_eq!(batch.workload, expected);
        let range = BatchRange::new(vec![two, input(&[Command::Place(limit())])]).unwrap();
        let range = request(&range).unwrap();
        assert_eq!(range.class, RequestClass::ComplianceRange { batches: 2 });
        assert_eq!(range.workload.commands, 3);
    }

    #[test]
    fn hostile_commands_are_errors() {
        let good = input(&[Command::Place(limit())]);
        let with = |commands: Vec<u8>| request(&BatchInput { commands, ..good.clone() }.into());
        assert!(with(Vec::new()).is_err());
        assert!(with([&good.commands[..], &[0]].concat()).is_err());
        let mut many = good.commands.clone();
        // Version, batch, first sequence, timestamp, count: a byte each.
        many[4] = 100;
        assert_eq!(
            with(many).unwrap_err(),
            DecodeError::TooLong {
                what: "command count",
                found: 100,
                limit: (good.commands.len() - 5) as u64 / 4
            }
        );
    }
}
