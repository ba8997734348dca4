//! Who has subscribed to what, and handing out messages.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use types::MarketId;

use super::names::Stream;
use crate::binance::websocket::Outbox;
use crate::view::Interval;

/// How a subscriber wants its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Raw,
    /// With the stream's name.
    Combined,
    /// With the number of the subscription.
    Event(u64),
}

/// Who has subscribed to what.
#[derive(Default)]
pub(super) struct Registry {
    /// A stream has several names at most where a name may leave something out.
    streams: HashMap<Stream, Vec<Topic>>,
}

struct Topic {
    name: Box<str>,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    outbox: Arc<Outbox>,
    form: Form,
}

impl Registry {
    pub fn subscribe(&mut self, stream: Stream, name: &str, outbox: &Arc<Outbox>, form: Form) {
        let topics = self.streams.entry(stream).or_default();
        let at = match topics.iter().position(|topic| *topic.name == *name) {
            Some(at) => at,
            None => {
                topics.push(Topic { name: name.into(), subscribers: Vec::new() });
                topics.len() - 1
            }
        };
        let subscribers = &mut topics[at].subscribers;
        if !subscribers.iter().any(|subscriber| subscriber.outbox.id == outbox.id) {
            subscribers.push(Subscriber { outbox: Arc::clone(outbox), form });
        }
    }

    pub fn unsubscribe(&mut self, stream: Stream, name: &str, connection: u64) {
        let Some(topics) = self.streams.get_mut(&stream) else { return };
        for topic in topics.iter_mut().filter(|topic| *topic.name == *name) {
            topic.subscribers.retain(|subscriber| subscriber.outbox.id != connection);
        }
        self.tidy(stream);
    }

    /// Ends all streams of this name.
    pub fn end_named(&mut self, name: &str) {
        for topics in self.streams.values_mut() {
            topics.retain(|topic| *topic.name != *name);
        }
        self.streams.retain(|_, topics| !topics.is_empty());
    }

    pub fn has(&self, stream: Stream) -> bool {
        self.streams.contains_key(&stream)
    }

    #[cfg(feature = "fuzzing")]
    pub fn subscribers(&self) -> usize {
        self.streams.values().flatten().map(|topic| topic.subscribers.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The candles that somebody listens to.
    pub fn candles(&self) -> Vec<(MarketId, Interval)> {
        let candles = self.streams.keys().filter_map(|stream| match stream {
            Stream::Candle(market, interval) => Some((*market, *interval)),
            _ => None,
        });
        candles.collect()
    }

    /// Hands a message to all subscribers of a stream. It is made only if there is one, and written once for each form.
    pub fn publish(&mut self, stream: Stream, message: impl FnOnce() -> String) {
        self.publish_where(stream, |_| true, message);
    }

    /// As [`Registry::publish`], only to those who call the stream so.
    pub fn publish_named(&mut self, stream: Stream, name: &str, message: impl FnOnce() -> String) {
        self.publish_where(stream, |known| known == name, message);
    }

    fn publish_where(
        &mut self,
        stream: Stream,
        wanted: impl Fn(&str) -> bool,
        message: impl FnOnce() -> String,
    ) {
        let Some(topics) = self.streams.get_mut(&stream) else { return };
        let raw = Utf8Bytes::from(message());
        let mut gone = false;
        for topic in topics.iter_mut().filter(|topic| wanted(&topic.name)) {
            let mut combined: Option<Utf8Bytes> = None;
            let Topic { name, subscribers } = topic;
            subscribers.retain(|subscriber| {
                let text = match subscriber.form {
                    Form::Raw => raw.clone(),
                    Form::Combined => combined
                        .get_or_insert_with(|| format!("{{\"stream\":\"{name}\",\"data\":{raw}}}").into())
                        .clone(),
                    Form::Event(number) => format!("{{\"subscriptionId\":{number},\"event\":{raw}}}").into(),
                };
                let stays = subscriber.outbox.send(text);
                gone |= !stays;
                stays
            });
        }
        if gone {
            self.tidy(stream);
        }
    }

    /// Lets go of everybody who listens to an account: something that happened to it was lost.
    pub fn let_users_go(&mut self) {
        for (stream, topics) in &self.streams {
            if matches!(stream, Stream::User(_)) {
                topics.iter().flat_map(|topic| &topic.subscribers).for_each(|one| one.outbox.let_go());
            }
        }
    }

    fn tidy(&mut self, stream: Stream) {
        if let Some(topics) = self.streams.get_mut(&stream) {
            topics.retain(|topic| !topic.subscribers.is_empty());
            if topics.is_empty() {
                self.streams.remove(&stream);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream = Stream::Trades(MarketId(0));

    #[test]
    fn each_subscriber_gets_the_message_in_his_form() {
        let mut registry = Registry::default();
        let forms = [Form::Raw, Form::Combined, Form::Event(7)];
        let mut queues: Vec<_> = forms
            .into_iter()
            .map(|form| {
                let (outbox, queue) = Outbox::new(4);
                registry.subscribe(STREAM, "x@trade", &outbox, form);
                registry.subscribe(STREAM, "x@trade", &outbox, form);
                queue
            })
            .collect();
        registry.publish(STREAM, || "{}".into());
        let got: Vec<String> = queues.iter_mut().map(|queue| queue.try_recv().unwrap().to_string()).collect();
        assert_eq!(got, ["{}", r#"{"stream":"x@trade","data":{}}"#, r#"{"subscriptionId":7,"event":{}}"#]);
        assert!(queues.iter_mut().all(|queue| queue.try_recv().is_err()), "subscribed twice, told once");
    }

    #[test]
    fn whoever_does_not_read_is_let_go_and_the_others_stay() {
        let mut registry = Registry::default();
        let (slow, _kept) = Outbox::new(2);
        let (quick, mut queue) = Outbox::new(2);
        registry.subscribe(STREAM, "x@trade", &slow, Form::Raw);
        registry.subscribe(STREAM, "x@trade", &quick, Form::Raw);
        for number in 0..10 {
            registry.publish(STREAM, || number.to_string());
            assert_eq!(queue.try_recv().unwrap().as_str(), number.to_string());
        }
        assert_eq!(registry.streams[&STREAM][0].subscribers.len(), 1);
        registry.unsubscribe(STREAM, "x@trade", quick.id);
        assert!(registry.is_empty());
        registry.publish(STREAM, || panic!("nobody listens"));
    }
}
