//! The scenarios of "FIX session-level test cases and expected behaviours" (FIX 4.4, volume 2), for the side that accepts.

use super::*;
use crate::{Frame, Kept, MessageLimits, Utc, read_message};

const START: u64 = 1_700_000_000_000_000;

/// A session, the clock, and what was kept.
struct Bench {
    session: Session,
    now: Now,
    kept: Vec<Kept>,
    saved: Numbers,
    delivered: Vec<String>,
    closed: Option<Closed>,
}

impl Bench {
    fn new() -> Self {
        let saved = Numbers { next_in: 1, next_out: 1 };
        let now = Now { utc: Utc(START), ticks: Duration::from_secs(1_000) };
        let session = Session::new(Rules::default(), ("GLASS", "ME"), &[269], saved, Utc(0));
        Self { session, now, kept: Vec::new(), saved, delivered: Vec::new(), closed: None }
    }

    fn logged_on() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.logon("34=1|98=0|108=30|"), ["A 34=1 98=0 108=30"]);
        bench
    }

    fn message(&self, kind: &str, fields: &str) -> Message {
        let time = if fields.contains("52=") { String::new() } else { format!("52={}|", self.now.utc) };
        let body = format!("35={kind}|49=ME|56=GLASS|{time}{fields}");
        parse(&body)
    }

    fn logon(&mut self, fields: &str) -> Vec<String> {
        self.advance(1);
        let message = self.message("A", fields);
        let mut out = Vec::new();
        self.session.logon(self.now, &message, &mut out);
        self.carry_out(out)
    }

    fn hear(&mut self, kind: &str, fields: &str) -> Vec<String> {
        let frame = Frame::Message(self.message(kind, fields));
        self.hear_frame(&frame)
    }

    fn hear_frame(&mut self, frame: &Frame) -> Vec<String> {
        let mut out = Vec::new();
        self.session.receive(self.now, frame, &mut out);
        self.carry_out(out)
    }

    fn say(&mut self, kind: &str) -> Vec<String> {
        let mut out = Vec::new();
        self.session.send(self.now, Body::new(kind).with(58, "x"), Vec::new(), &mut out);
        self.carry_out(out)
    }

    fn wait(&mut self, seconds: u64) -> Vec<String> {
        let mut said = Vec::new();
        let until = self.now.ticks + Duration::from_secs(seconds);
        while self.now.ticks < until {
            let next = self.session.next_tick().map_or(until, |tick| tick.clamp(self.now.ticks, until));
            let step = (next - self.now.ticks).max(Duration::from_millis(1));
            self.now.ticks += step;
            self.now.utc.0 += u64::try_from(step.as_micros()).unwrap();
            let mut out = Vec::new();
            self.session.tick(self.now, &mut out);
            said.extend(self.carry_out(out));
        }
        said
    }

    fn advance(&mut self, millis: u64) {
        self.now.ticks += Duration::from_millis(millis);
        self.now.utc.0 += millis * 1_000;
    }

    /// The connection breaks, or the process dies and comes back with what is on disk.
    fn disconnect(&mut self) {
        let mut out = Vec::new();
        self.session.disconnected(&mut out);
        self.carry_out(out);
        self.closed = None;
    }

    fn crash(&mut self) {
        let logged_on = self.session.logged_on;
        self.session = Session::new(Rules::default(), ("GLASS", "ME"), &[269], self.saved, logged_on);
        self.closed = None;
    }

    /// What goes over the wire, without the fields that are always there.
    fn carry_out(&mut self, out: Vec<Action>) -> Vec<String> {
        let (records, rest): (Vec<_>, Vec<_>) =
            out.into_iter().partition(|action| matches!(action, Action::Record(_)));
        for record in records {
            let Action::Record(record) = record else { unreachable!() };
            match record {
                Record::NextIn(next) => self.saved.next_in = next,
                Record::NextOut(next) => self.saved.next_out = next,
                Record::Sent { number, time, body } => self.kept.push(Kept { number, time, body }),
                Record::Reset => {
                    self.saved = Numbers { next_in: 1, next_out: 1 };
                    self.kept.clear();
                }
                Record::LoggedOn(_) | Record::Note(..) => {}
            }
        }
        assert!(self.session.next_out <= self.saved.next_out, "a number is used that is not on disk");
        let mut said = Vec::new();
        for action in rest {
            match action {
                Action::Write(bytes) => said.push(brief(&bytes)),
                Action::Deliver(message) => {
                    let number = message.number(34).unwrap();
                    assert!(self.saved.next_in > number, "delivered before it is on disk");
                    self.delivered.push(format!("{} {number}", message.kind()));
                }
                Action::Resend { from, to } => {
                    let kept = self.kept.iter().filter(|kept| (from..=to).contains(&kept.number)).cloned();
                    let mut out = Vec::new();
                    self.session.resend(self.now, (from, to), kept.collect(), &mut out);
                    said.extend(self.carry_out(out));
                }
                Action::Close(closed) => self.closed = Some(closed),
                Action::Record(_) => unreachable!(),
            }
        }
        said
    }
}

fn parse(body: &str) -> Message {
    let body = body.replace('|', "\u{1}");
    let mut bytes = format!("8=FIX.4.4\u{1}9={}\u{1}{body}", body.len()).into_bytes();
    let sum = crate::check_sum(&bytes);
    bytes.extend(format!("10={sum:03}\u{1}").bytes());
    read_message(&bytes, MessageLimits::default()).expect("a message")
}

fn brief(bytes: &[u8]) -> String {
    let message = read_message(bytes, MessageLimits::default()).expect("what is sent is a message");
    assert_eq!((message.get(49), message.get(56)), (Some(&b"GLASS"[..]), Some(&b"ME"[..])));
    assert!(message.time(52).is_ok());
    let shown = message.fields().filter(|(tag, _)| ![8, 9, 10, 35, 49, 56, 52, 122].contains(tag));
    let fields: Vec<String> =
        shown.map(|(tag, value)| format!("{tag}={}", String::from_utf8_lossy(value))).collect();
    format!("{} {}", message.kind(), fields.join(" "))
}

#[test]
fn a_logon_is_answered_and_confirms_the_heartbeat() {
    let mut bench = Bench::logged_on();
    assert!(bench.session.is_online());
    assert_eq!(bench.hear("D", "34=2|11=a|"), [""; 0]);
    assert_eq!(bench.delivered, ["D 2"]);
}

#[test]
fn what_is_wrong_with_a_logon_is_said_before_the_connection_closes() {
    for (fields, why) in [
        ("34=1|98=1|108=30|", "58=EncryptMethod must be 0"),
        ("34=1|98=0|108=0|", "58=HeartBtInt must be from 1 to 300 seconds"),
        ("34=1|98=0|108=301|", "58=HeartBtInt must be from 1 to 300 seconds"),
        ("34=2|98=0|108=30|141=Y|", "58=MsgSeqNum must be 1 when ResetSeqNumFlag is Y"),
        ("34=1|98=0|", "58=Required tag missing: tag 108"),
        ("34=1|98=0|108=30|108=30|", "58=Tag appears more than once: tag 108"),
        ("34=1|98=0|108=30|789=5|", "58=NextExpectedMsgSeqNum is 5, the next message is 1"),
        ("34=1|98=0|108=30|52=20231114-22:10:00|", "58=SendingTime accuracy problem"),
    ] {
        let mut bench = Bench::new();
        assert_eq!(bench.logon(fields), [format!("5 34=1 {why}")], "{fields}");
        assert!(matches!(bench.closed, Some(Closed::Broken(_))));
        assert!(!bench.session.is_online());
    }
}

#[test]
fn a_recorded_logon_is_of_no_use() {
    let mut bench = Bench::new();
    bench.advance(1);
    let logon = bench.message("A", "34=1|98=0|108=30|141=Y|");
    let mut out = Vec::new();
    bench.session.logon(bench.now, &logon, &mut out);
    bench.carry_out(out);
    assert!(bench.session.is_online());
    bench.disconnect();
    bench.advance(1_000);
    let mut out = Vec::new();
    bench.session.logon(bench.now, &logon, &mut out);
    let said = bench.carry_out(out);
    assert_eq!(said, ["5 34=2 58=SendingTime is not after that of the last Logon"]);
}

#[test]
fn a_number_that_is_too_high_is_answered_with_a_resend_request_and_the_gap_is_filled() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.hear("D", "34=4|"), ["2 34=2 7=2 16=0"]);
    assert_eq!(bench.hear("D", "34=5|"), [""; 0], "asked once");
    assert!(bench.delivered.is_empty());
    // The other side fills 2, and sends 3 to 5 again.
    assert_eq!(bench.hear("4", "34=2|43=Y|123=Y|36=3|"), [""; 0]);
    for number in 3..6 {
        let original = bench.now.utc;
        assert_eq!(bench.hear("D", &format!("34={number}|43=Y|122={original}|")), [""; 0]);
    }
    assert_eq!(bench.delivered, ["D 3", "D 4", "D 5"]);
    assert_eq!(bench.hear("D", "34=7|"), ["2 34=3 7=6 16=0"], "a new gap is asked for again");
}

#[test]
fn a_gap_that_is_not_filled_is_asked_for_again_and_then_ends_the_session() {
    let mut bench = Bench::logged_on();
    bench.hear("D", "34=4|");
    let mut said = Vec::new();
    for number in 5..14 {
        // Alive, and deaf.
        said.extend(bench.wait(20));
        said.extend(bench.hear("0", &format!("34={number}|")));
    }
    let requests = said.iter().filter(|line| line.contains("7=2 16=0")).count();
    assert_eq!(requests, 2);
    assert!(
        said.iter().any(|line| line.contains("58=messages that were asked for did not come")),
        "{said:?}"
    );
    assert_eq!(bench.closed, Some(Closed::LoggedOut));
}

#[test]
fn a_number_that_is_too_low_ends_the_session_unless_it_is_a_possible_duplicate() {
    let mut bench = Bench::logged_on();
    bench.hear("D", "34=2|");
    let original = bench.now.utc;
    assert_eq!(bench.hear("D", &format!("34=2|43=Y|122={original}|")), [""; 0]);
    assert_eq!(bench.delivered, ["D 2"], "not twice");
    assert_eq!(bench.hear("D", "34=1|"), ["5 34=2 58=MsgSeqNum too low, expecting 3 but received 1"]);
    assert!(matches!(bench.closed, Some(Closed::Broken(_))));
    assert_eq!(bench.hear("D", "34=3|"), [""; 0], "nothing is taken afterwards");
    assert_eq!(bench.delivered.len(), 1);
}

#[test]
fn a_possible_duplicate_must_say_when_it_was_sent_first() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.hear("D", "34=1|43=Y|"), ["3 34=2 45=1 371=122 372=D 373=1 58=Required tag missing"]);
    let later = Utc(bench.now.utc.0 + 1_000_000);
    let said = bench.hear("D", &format!("34=1|43=Y|122={later}|"));
    assert_eq!(said[0], "3 34=3 45=1 371=122 372=D 373=10 58=SendingTime accuracy problem");
    assert!(said[1].starts_with("5 34=4"));
}

#[test]
fn a_garbled_message_is_ignored_and_the_gap_shows() {
    let mut bench = Bench::logged_on();
    let garbled = Frame::Garbled(crate::Garbled::CheckSum { found: 0, computed: 1 });
    assert_eq!(bench.hear_frame(&garbled), [""; 0]);
    assert_eq!(bench.hear("D", "34=3|"), ["2 34=2 7=2 16=0"]);
    for _ in 0..99 {
        assert_eq!(bench.hear_frame(&garbled), [""; 0]);
    }
    assert_eq!(bench.hear_frame(&garbled), ["5 34=3 58=too many garbled messages"]);
}

#[test]
fn other_versions_and_other_names_end_the_session() {
    let mut bench = Bench::logged_on();
    let time = bench.now.utc;
    let stranger = parse(&format!("35=0|49=YOU|56=GLASS|34=2|52={time}|"));
    let said = bench.hear_frame(&Frame::Message(stranger));
    assert_eq!(said[0], "3 34=2 45=2 371=49 372=0 373=9 58=CompID problem");
    assert!(said[1].starts_with("5 34=3"), "{said:?}");
    let mut bench = Bench::logged_on();
    let old = format!("35=0|49=ME|56=GLASS|34=2|52={}|", bench.now.utc).replace('|', "\u{1}");
    let mut bytes = format!("8=FIX.4.2\u{1}9={}\u{1}{old}", old.len()).into_bytes();
    let sum = crate::check_sum(&bytes);
    bytes.extend(format!("10={sum:03}\u{1}").bytes());
    let old = read_message(&bytes, MessageLimits::default()).unwrap();
    assert_eq!(bench.hear_frame(&Frame::Message(old)), ["5 34=2 58=BeginString must be FIX.4.4"]);
}

#[test]
fn fields_without_value_and_repeated_fields_are_rejected_and_the_session_goes_on() {
    let mut bench = Bench::logged_on();
    assert_eq!(
        bench.hear("D", "34=2|11=|"),
        ["3 34=2 45=2 371=11 372=D 373=4 58=Tag specified without a value"]
    );
    assert_eq!(
        bench.hear("D", "34=3|11=a|11=b|"),
        ["3 34=3 45=3 371=11 372=D 373=13 58=Tag appears more than once"]
    );
    assert_eq!(bench.hear("V", "34=4|267=2|269=0|269=1|"), [""; 0], "a group's");
    assert_eq!(bench.delivered, ["V 4"]);
}

#[test]
fn a_test_request_is_answered_with_its_id() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.hear("1", "34=2|112=hello|"), ["0 34=2 112=hello"]);
    assert_eq!(bench.hear("1", "34=3|"), ["3 34=3 45=3 371=112 372=1 373=1 58=Required tag missing"]);
}

#[test]
fn silence_is_broken_by_heartbeats_tested_and_ended() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.wait(30), ["0 34=2"]);
    assert_eq!(bench.wait(6), ["1 34=3 112=TEST1"]);
    assert_eq!(bench.hear("0", "34=2|112=TEST1|"), [""; 0]);
    let said = bench.wait(100);
    assert_eq!(said, ["0 34=4", "1 34=5 112=TEST2"]);
    assert_eq!(bench.closed, Some(Closed::Silent));
}

#[test]
fn a_resend_request_gets_what_was_kept_and_gap_fills_for_the_rest() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.say("8"), ["8 34=2 58=x"]);
    bench.hear("1", "34=2|112=a|");
    bench.say("8");
    bench.hear("1", "34=3|112=b|");
    assert_eq!(
        bench.hear("2", "34=4|7=1|16=0|"),
        [
            "4 34=1 43=Y 123=Y 36=2",
            "8 34=2 43=Y 58=x",
            "4 34=3 43=Y 123=Y 36=4",
            "8 34=4 43=Y 58=x",
            "4 34=5 43=Y 123=Y 36=6"
        ]
    );
    assert_eq!(bench.hear("2", "34=5|7=2|16=2|"), ["8 34=2 43=Y 58=x"]);
    assert_eq!(bench.hear("2", "34=6|7=3|16=999999|").len(), 3);
    for (number, bounds) in [(7, "7=0|16=0|"), (8, "7=99|16=0|"), (9, "7=3|16=2|")] {
        let said = bench.hear("2", &format!("34={number}|{bounds}"));
        assert!(said[0].contains("373=5"), "{said:?}");
    }
}

#[test]
fn a_resend_request_is_answered_even_when_something_before_it_is_missing() {
    let mut bench = Bench::logged_on();
    bench.say("8");
    assert_eq!(bench.hear("2", "34=3|7=2|16=0|"), ["8 34=2 43=Y 58=x", "2 34=3 7=2 16=0"]);
}

#[test]
fn sequence_resets_move_forwards_only() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.hear("4", "34=2|123=Y|36=10|"), [""; 0]);
    assert_eq!(bench.session.numbers().next_in, 10);
    assert_eq!(
        bench.hear("4", "34=10|123=Y|36=10|"),
        ["3 34=2 45=10 371=36 372=4 373=5 58=Value is incorrect (out of range) for this tag"]
    );
    assert_eq!(bench.session.numbers().next_in, 11);
    // A reset counts whatever its number is.
    assert_eq!(bench.hear("4", "34=3|36=50|"), [""; 0]);
    assert_eq!(bench.session.numbers().next_in, 50);
    assert!(bench.hear("4", "34=50|123=N|36=5|")[0].contains("373=5"));
    assert_eq!(bench.session.numbers().next_in, 50);
    // A gap fill does not.
    assert_eq!(bench.hear("4", "34=60|123=Y|36=70|"), ["2 34=4 7=50 16=0"]);
    assert_eq!(bench.session.numbers().next_in, 50);
}

#[test]
fn a_logout_is_answered_and_ours_waits_for_its_answer() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.hear("5", "34=2|"), ["5 34=2"]);
    assert_eq!(bench.closed, Some(Closed::LoggedOut));
    let mut bench = Bench::logged_on();
    let mut out = Vec::new();
    bench.session.log_out(bench.now, "closing time", &mut out);
    assert_eq!(bench.carry_out(out), ["5 34=2 58=closing time"]);
    assert_eq!(bench.hear("D", "34=2|"), [""; 0]);
    assert!(bench.delivered.is_empty(), "nothing is taken on after our Logout");
    assert_eq!(bench.hear("5", "34=3|"), [""; 0]);
    assert_eq!(bench.closed, Some(Closed::LoggedOut));
    let mut bench = Bench::logged_on();
    let mut out = Vec::new();
    bench.session.log_out(bench.now, "closing time", &mut out);
    bench.carry_out(out);
    bench.wait(5);
    assert_eq!(bench.closed, Some(Closed::LoggedOut), "the answer did not come");
}

#[test]
fn numbers_go_on_after_a_disconnect_and_what_was_missed_is_sent() {
    let mut bench = Bench::logged_on();
    bench.say("8");
    bench.disconnect();
    assert_eq!(bench.say("8"), [""; 0], "nobody is there");
    let mut out = Vec::new();
    bench.session.send_volatile(bench.now, &Body::new("X"), &mut out);
    assert!(out.is_empty());
    assert_eq!(bench.logon("34=2|98=0|108=30|"), ["A 34=4 98=0 108=30"]);
    assert_eq!(bench.hear("2", "34=3|7=3|16=0|"), ["8 34=3 43=Y 58=x", "4 34=4 43=Y 123=Y 36=5"]);
}

#[test]
fn a_crash_repeats_no_number_and_loses_no_message() {
    let mut bench = Bench::logged_on();
    bench.say("8");
    bench.hear("D", "34=2|");
    bench.hear("0", "34=3|");
    bench.hear("1", "34=4|112=a|");
    bench.crash();
    // The number 3 (the test request's answer) was used, so the next is behind the block.
    let said = bench.logon("34=5|98=0|108=30|");
    assert_eq!(said, ["A 34=257 98=0 108=30", "2 34=258 7=3 16=0"]);
    assert_eq!(bench.hear("2", "34=6|7=2|16=0|"), ["8 34=2 43=Y 58=x", "4 34=3 43=Y 123=Y 36=259"]);
    assert_eq!(bench.delivered, ["D 2"], "what was delivered is not asked for again");
    // They fill what we asked for.
    assert_eq!(bench.hear("4", "34=3|43=Y|123=Y|36=7|"), [""; 0]);
    bench.hear("D", "34=7|");
    assert_eq!(bench.delivered, ["D 2", "D 7"]);
}

#[test]
fn a_reset_begins_again_at_one_on_both_sides() {
    let mut bench = Bench::logged_on();
    bench.say("8");
    bench.hear("D", "34=2|");
    bench.disconnect();
    assert_eq!(bench.logon("34=1|98=0|108=30|141=Y|"), ["A 34=1 98=0 108=30 141=Y"]);
    assert_eq!(bench.session.numbers(), Numbers { next_in: 2, next_out: 2 });
    assert_eq!(bench.hear("2", "34=2|7=1|16=0|"), ["4 34=1 43=Y 123=Y 36=2"]);
    bench.advance(1);
    // Within a session, too.
    assert_eq!(bench.hear("A", "34=1|98=0|108=10|141=Y|"), ["A 34=1 98=0 108=10 141=Y"]);
    assert_eq!(bench.hear("A", "34=2|98=0|108=10|"), ["5 34=2 58=already logged on"]);
}

#[test]
fn a_logon_whose_number_is_too_low_is_refused_and_one_too_high_is_taken() {
    let mut bench = Bench::logged_on();
    bench.hear("D", "34=2|");
    bench.disconnect();
    assert_eq!(bench.logon("34=2|98=0|108=30|"), ["5 34=2 58=MsgSeqNum too low, expecting 3 but received 2"]);
    bench.disconnect();
    assert_eq!(bench.logon("34=9|98=0|108=30|"), ["A 34=3 98=0 108=30", "2 34=4 7=3 16=0"]);
}

#[test]
fn whoever_says_what_he_expects_next_gets_it_without_asking() {
    let mut bench = Bench::logged_on();
    bench.say("8");
    bench.say("8");
    bench.disconnect();
    assert_eq!(bench.logon("34=2|98=0|108=30|789=3|"), ["A 34=4 98=0 108=30 789=3", "8 34=3 43=Y 58=x"]);
}

#[test]
fn a_sending_time_that_is_off_ends_the_session() {
    let mut bench = Bench::logged_on();
    bench.wait(1);
    let early = Utc(bench.now.utc.0 - 121_000_000);
    let said = bench.hear("D", &format!("34=2|52={early}|"));
    assert_eq!(said[0], "3 34=2 45=2 371=52 372=D 373=10 58=SendingTime accuracy problem");
    assert!(said[1].starts_with("5 34=3"));
    assert!(bench.delivered.is_empty());
}

#[test]
fn a_message_without_a_number_ends_the_session() {
    let mut bench = Bench::logged_on();
    assert_eq!(bench.hear("D", "11=a|"), ["5 34=2 58=Required tag missing: tag 34"]);
}
