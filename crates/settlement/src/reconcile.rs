//! Records and chain, entry by entry.
//!
//! A start is a retry: whatever had failed goes on from where the chain has it. Before anything is sent, every record that is not final is compared with the exchange and with the chain, and so are the
//! last final ones. Each batch builds on the one before, so a chain that has the last final batch has those before it. The
//! other final records are compared in idle steps, a few at a time, until all were. After a reorg only records that are not
//! final can change, and every step compares those.

use crate::life::{Before, Next, Record, State, next};

use crate::report::Conflict;
use crate::settlement::{Ports, Settlement, Stop};
use crate::store::Records;

impl<R: Records> Settlement<R> {
    /// Compares everything that has to agree before anything is sent.
    pub(crate) fn compare(&mut self, ports: &Ports<'_>, now: u64) -> Result<(), Stop> {
        if self.retry_failed {
            let numbers: Vec<u64> = self.open.keys().copied().collect();
            for number in numbers {
                self.retry_record(number, now)?;
            }
            self.retry_failed = false;
        }
        let last = ports.chain.last_committed()?;
        self.take_in(ports, last, now)?;
        if let Some(number) = (self.first_open()..=last).find(|number| !self.open.contains_key(number)) {
            return Err(Conflict::new(
                number,
                "the chain has a batch that the exchange does not have",
                "here: nothing".to_string(),
                format!("on the chain: batches up to {last}"),
            )
            .into());
        }
        for record in self.open.values() {
            let digest = ports.source.sealed(record.batch.number)?.map(|batch| batch.digest);
            if digest != Some(record.batch.digest) {
                return Err(Conflict::with_source(record, digest).into());
            }
        }
        let recent = self.totals.last_final.saturating_sub(self.policy.audit.max(1) as u64) + 1;
        self.audit(ports, recent, now)?;
        let mut before = Before::SETTLED;
        let numbers: Vec<u64> = self.open.keys().copied().collect();
        for number in numbers {
            before = self.follow_chain(ports, number, before, now)?;
        }
        self.reconciled = true;
        Ok(())
    }

    /// Brings a record to what the chain says, without sending anything.
    fn follow_chain(
        &mut self,
        ports: &Ports<'_>,
        number: u64,
        before: Before,
        now: u64,
    ) -> Result<Before, Stop> {
        let standing = self.standing(ports, number)?;
        while let Some(record) = self.open.get(&number) {
            match next(record, &standing, before, self.finalized(), self.on_chain(now)) {
                Next::Enter(state) => self.enter(ports, number, state, &standing, now)?,
                Next::Conflict(why) => return Err(Conflict::with_chain(record, why, &standing).into()),
                _ => break,
            }
        }
        Ok(Before::of(&standing, !self.open.contains_key(&number)))
    }

    /// Compares some final records with the chain, from one on. A record that is missing is made again, if exchange and chain
    /// agree on it.
    pub(crate) fn audit(&mut self, ports: &Ports<'_>, from: u64, now: u64) -> Result<(), Stop> {
        let count = self.policy.audit.max(1);
        let end = from.saturating_add(count as u64 - 1).min(self.totals.last_final);
        let mut records = self.store.list(from, count)?.into_iter().peekable();
        for number in from..=end {
            let stored = records.next_if(|record| record.batch.number == number);
            let standing = ports.chain.standing(number)?;
            let mut record = match stored {
                Some(record) => record,
                None => match ports.source.sealed(number)? {
                    Some(batch) => Record::new(batch, now),
                    None => {
                        return Err(Conflict::new(
                            number,
                            "a final batch is lost here",
                            "here: nothing".to_string(),
                            "in the exchange: nothing".to_string(),
                        )
                        .into());
                    }
                },
            };
            match next(&record, &standing, Before::SETTLED, self.finalized(), self.on_chain(now)) {
                Next::Wait => {}
                Next::Enter(State::Final) => {
                    record.take_over(&standing);
                    record.enter(State::Final, now);
                    self.write(vec![record], now)?;
                }
                Next::Conflict(why) => return Err(Conflict::with_chain(&record, why, &standing).into()),
                _ => {
                    let why = "the chain no longer has what was final";
                    return Err(Conflict::with_chain(&record, why, &standing).into());
                }
            }
            if number == self.audited + 1 {
                self.audited = number;
            }
        }
        Ok(())
    }
}
