//! A whole recording, and what its later messages tell of orders that entered unseen.

use std::collections::HashMap;
use std::io::BufRead;

use types::{MarketParams, Price, Quantity, Side};

use crate::{FlowError, LobsterProblem, LobsterReader, Message, MessageKind, RecordedPrice};

/// A recording in memory: about 80 bytes a message.
#[derive(Debug)]
pub struct Recording {
    messages: Vec<Message>,
    tick: u32,
    highest: RecordedPrice,
}

/// What the recording says about an order over its whole length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mentions {
    pub side: Side,
    pub price: RecordedPrice,
    /// Whether its submission was recorded.
    pub submitted: bool,
    /// Lots of it that messages still to come cancel or trade.
    pub ahead: Quantity,
    /// The index of the last message about it.
    pub last: usize,
}

impl Recording {
    /// The most messages that are held in memory.
    pub const MAX_MESSAGES: usize = 1 << 26;

    /// Reads a recording to its end.
    ///
    /// # Errors
    /// When it cannot be read, or no tick fits its prices.
    pub fn read(input: impl BufRead) -> Result<Self, FlowError> {
        let mut messages = Vec::new();
        for message in LobsterReader::new(input)? {
            let message = message?;
            if messages.len() == Self::MAX_MESSAGES {
                let problem = LobsterProblem::TooManyMessages { limit: Self::MAX_MESSAGES };
                return Err(FlowError::Lobster { line: message.line, problem });
            }
            messages.push(message);
        }
        Self::from_messages(messages)
    }

    fn from_messages(messages: Vec<Message>) -> Result<Self, FlowError> {
        let prices = |message: &Message| {
            let quotes = Side::BOTH.map(|side| message.quote(side).map_or(0, |quote| quote.price.0));
            [message.price.0, quotes[0], quotes[1]]
        };
        // A cent unless a price says otherwise: zero stands for no price and fits every tick.
        let fits = |tick: u32| messages.iter().flat_map(prices).all(|price| price % tick == 0);
        let tick = [100, 50, 25, 10, 5].into_iter().find(|tick| fits(*tick)).unwrap_or(1);
        let highest = messages.iter().flat_map(prices).max().unwrap_or(0);
        if highest / tick > MarketParams::MAX_TICKS {
            let line = messages
                .iter()
                .find(|message| prices(message).contains(&highest))
                .map_or(1, |message| message.line);
            let limit = Price(MarketParams::MAX_TICKS);
            return Err(FlowError::Lobster {
                line,
                problem: LobsterProblem::PriceTooHigh { price: highest, limit },
            });
        }
        Ok(Self { messages, tick, highest: RecordedPrice(highest) })
    }

    /// Its messages.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The largest usual tick that divides every visible price, in ten-thousandths of a dollar.
    #[must_use]
    pub fn tick(&self) -> u32 {
        self.tick
    }

    /// A recorded price in ticks.
    pub(crate) fn price(&self, recorded: RecordedPrice) -> Price {
        Price(recorded.0 / self.tick)
    }

    /// The highest price of the recording, in ticks.
    pub(crate) fn highest(&self) -> Price {
        self.price(self.highest)
    }

    /// What the messages say about each order.
    pub(crate) fn mentions(&self) -> HashMap<u64, Mentions> {
        let mut mentions: HashMap<u64, Mentions> = HashMap::new();
        for (at, message) in self.messages.iter().enumerate() {
            let submitted = message.kind == MessageKind::Submission;
            if matches!(message.kind, MessageKind::HiddenExecution | MessageKind::Other) {
                continue;
            }
            let entry = mentions.entry(message.order).or_insert(Mentions {
                side: message.side,
                price: message.price,
                submitted,
                ahead: Quantity(0),
                last: at,
            });
            entry.last = at;
            if !submitted {
                entry.ahead.0 += message.quantity.0;
            }
        }
        mentions
    }
}
