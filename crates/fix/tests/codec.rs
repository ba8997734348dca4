//! The codec: known messages, everything comes back, and no bytes do harm.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use fix::{
    Body, Frame, Framer, Garbled, Header, MessageLimits, RejectReason, TooLong, Utc, check_sum, read_message,
};
use proptest::prelude::*;

const LIMITS: MessageLimits = MessageLimits { bytes: 4_096, fields: 200, entries: 8 };

fn wire(text: &str) -> Vec<u8> {
    text.replace('|', "\u{1}").into_bytes()
}

/// Adds length and check sum.
fn sealed(body: &str) -> Vec<u8> {
    let body = wire(body);
    let mut bytes = format!("8=FIX.4.4\u{1}9={}\u{1}", body.len()).into_bytes();
    bytes.extend(body);
    let sum = check_sum(&bytes);
    bytes.extend(format!("10={sum:03}\u{1}").bytes());
    bytes
}

fn frames(bytes: &[u8]) -> Result<Vec<Frame>, TooLong> {
    let mut framer = Framer::new(LIMITS);
    framer.push(bytes);
    let mut list = Vec::new();
    while let Some(frame) = framer.next_frame()? {
        list.push(frame);
    }
    Ok(list)
}

fn messages(bytes: &[u8]) -> Vec<String> {
    let list = frames(bytes).unwrap();
    let kinds = list.iter().filter_map(|frame| match frame {
        Frame::Message(message) => Some(message.kind().to_owned()),
        Frame::Garbled(_) => None,
    });
    kinds.collect()
}

/// Messages from the wild: those of Wikipedia's article on FIX, and an empty Heartbeat.
#[test]
fn messages_that_others_made_are_read() {
    for (text, kind) in [
        (
            "8=FIX.4.2|9=178|35=8|49=PHLX|56=PERS|52=20071123-05:30:00.000|11=ATOMNOCCC9990900|20=3|150=E|39=E|55=MSFT|\
             167=CS|54=1|38=15|40=2|44=15|58=PHLX EQUITY TESTING|59=0|47=C|32=0|31=0|151=15|14=0|6=0|10=128|",
            "8",
        ),
        ("8=FIX.4.2|9=65|35=A|49=SERVER|56=CLIENT|34=177|52=20090107-18:15:16|98=0|108=30|10=062|", "A"),
        ("8=FIX.4.4|9=5|35=0|10=163|", "0"),
    ] {
        let message = read_message(&wire(text), LIMITS).expect(text);
        assert_eq!(message.kind(), kind);
    }
}

#[test]
fn what_is_sent_is_as_the_standard_has_it() {
    let header = Header {
        sender: "GLASSBOOK",
        target: "TRADER",
        number: 7,
        time: Utc(1_700_000_000_123_000),
        original: None,
    };
    let body = Body::new("8").with(37, 12).with(58, "a\u{1}b=ü").with_data(95, 96, b"x\x01=y");
    let expected = "8=FIX.4.4|9=86|35=8|49=GLASSBOOK|56=TRADER|34=7|52=20231114-22:13:20.123|37=12|58=a?b=?|\
                    95=4|96=x|=y|10=045|";
    let frame = header.frame(&body);
    assert_eq!(String::from_utf8_lossy(&frame).replace('\u{1}', "|"), expected);
    let again = Header { original: Some(Utc(0)), ..header }.frame(&body);
    let text = String::from_utf8_lossy(&again).replace('\u{1}', "|");
    assert!(text.contains("|34=7|43=Y|52=20231114-22:13:20.123|122=19700101-00:00:00.000|37=12|"), "{text}");
    let read = read_message(&frame, LIMITS).unwrap();
    assert_eq!(read.get(96), Some(&b"x\x01=y"[..]));
    assert_eq!(read.text(58), Ok("a?b=?"));
}

#[test]
fn garbage_is_skipped_and_what_follows_is_read() {
    let good = sealed("35=0|34=1|");
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 2;
    wrong_sum[at] = if wrong_sum[at] == b'0' { b'1' } else { b'0' };
    let garbage: [&[u8]; 12] = [
        b"",
        b"\0\xff hello",
        b"8",
        b"8=",
        b"8=FIX.4.4\x01",
        b"8=FIX.4.4\x0135=0\x01",
        b"8=FIX.4.4\x019=\x01",
        b"8=FIX.4.4\x019=5x\x01",
        b"8=FIX.4.4\x019=5\x0135=0\x0110=\x01",
        b"8=FIX.4.4.too long to be a version\x01",
        b"8=FIX.4.4\x019=12345678901\x01",
        &wrong_sum,
    ];
    for noise in garbage {
        let bytes = [noise, &good, noise, &good, &good].concat();
        let found = messages(&bytes);
        assert!(found.len() >= 2, "{:?}: {found:?}", String::from_utf8_lossy(noise));
    }
    let sum = frames(&[wrong_sum, good].concat()).unwrap();
    assert!(matches!(sum[..], [Frame::Garbled(Garbled::CheckSum { .. }), Frame::Message(_)]));
}

#[test]
fn fields_that_are_none_make_a_message_garbled() {
    for body in [
        "34=1|35=0|",
        "35=0|=1|",
        "35=0|x=1|",
        "35=0|01=1|",
        "35=0|1234567890=1|",
        "35=0|58|",
        "35=0|95=3|96=ab|",
        "35=0|95=1|96=ab|",
        "35=0|95=2|58=ab|",
        "35=0|95=99999|96=ab|",
        "35=0|95=x|96=ab|",
        "35=0|95=1|",
        "35=0|-5=1|",
    ] {
        assert!(matches!(frames(&sealed(body)).unwrap()[0], Frame::Garbled(Garbled::Fields(_))), "{body}");
    }
    let many = format!("35=0|{}", "58=a|".repeat(250));
    assert!(matches!(frames(&sealed(&many)).unwrap()[0], Frame::Garbled(Garbled::Fields(_))));
}

#[test]
fn a_message_that_is_too_long_ends_the_stream_at_its_header() {
    assert_eq!(frames(b"8=FIX.4.4\x019=5000\x01"), Err(TooLong { limit: 4_096 }));
    assert_eq!(frames(b"8=FIX.4.4\x019=999999999\x01"), Err(TooLong { limit: 4_096 }));
    let long = sealed(&format!("35=0|58={}|", "a".repeat(4_000)));
    assert_eq!(frames(&long).unwrap().len(), 1);
}

#[test]
fn groups_are_read_and_their_counts_believed_only_if_they_are_right() {
    let group = |body: &str| {
        let message = read_message(&sealed(body), LIMITS).unwrap();
        message.group(146, &[55, 460]).map(|entries| {
            let symbols = entries.iter().map(|entry| entry.text(55).unwrap_or("-").to_owned());
            symbols.collect::<Vec<_>>()
        })
    };
    assert_eq!(group("35=V|262=a|146=2|55=BTCUSD|460=4|55=ETHUSD|264=1|").unwrap(), ["BTCUSD", "ETHUSD"]);
    assert_eq!(group("35=V|146=0|").unwrap().len(), 0);
    assert_eq!(group("35=V|262=a|").unwrap().len(), 0);
    for (body, reason) in [
        ("35=V|146=1|55=A|55=B|", RejectReason::IncorrectGroupCount),
        ("35=V|146=3|55=A|55=B|", RejectReason::IncorrectGroupCount),
        ("35=V|146=1|460=4|55=A|", RejectReason::IncorrectGroupCount),
        ("35=V|146=1|55=A|460=4|460=4|", RejectReason::TagAppearsMoreThanOnce),
        ("35=V|146=9|55=A|", RejectReason::ValueIncorrect),
        ("35=V|146=18446744073709551616|55=A|", RejectReason::IncorrectDataFormat),
        ("35=V|146=x|55=A|", RejectReason::IncorrectDataFormat),
    ] {
        assert_eq!(group(body).unwrap_err().reason, reason, "{body}");
    }
}

/// Fields that a body may have: any tag that is no data field's, any text.
fn fields() -> impl Strategy<Value = Vec<(u32, String)>> {
    let tag = (1u32..10_000).prop_filter("not of the header or of data", |tag| {
        ![8, 9, 10, 35].contains(tag) && fix::tags::data_of(*tag).is_none()
    });
    proptest::collection::vec((tag, "[ -~]{1,20}"), 0..20)
}

proptest! {
    #[test]
    fn everything_comes_back(
        kind in "[A-Za-z0-9]{1,2}",
        fields in fields(),
        data in proptest::collection::vec(any::<u8>(), 0..200),
        number in 1u64..1 << 60,
        splits in proptest::collection::vec(1usize..40, 1..20),
    ) {
        let mut body = Body::new(&kind);
        for (tag, value) in &fields {
            body.push(*tag, value);
        }
        let body = body.with_data(354, 355, &data);
        let header = Header { sender: "A", target: "B", number, time: Utc(0), original: None };
        let bytes = header.frame(&body);
        // However the stream is cut.
        let mut framer = Framer::new(LIMITS);
        let (mut rest, mut found, mut at) = (bytes.as_slice(), Vec::new(), 0);
        while !rest.is_empty() {
            let (now, later) = rest.split_at(splits[at % splits.len()].min(rest.len()));
            framer.push(now);
            while let Some(frame) = framer.next_frame().unwrap() {
                found.push(frame);
            }
            (rest, at) = (later, at + 1);
        }
        prop_assert_eq!(found.len(), 1);
        let Frame::Message(message) = &found[0] else { return Err(TestCaseError::fail("garbled")) };
        prop_assert_eq!(message.kind(), kind.as_str());
        prop_assert_eq!(message.number(34), Ok(number));
        let read: Vec<(u32, Vec<u8>)> = message.fields().skip(7).map(|(tag, value)| (tag, value.to_vec())).collect();
        let mut written: Vec<(u32, Vec<u8>)> =
            fields.iter().map(|(tag, value)| (*tag, value.clone().into_bytes())).collect();
        written.push((354, data.len().to_string().into_bytes()));
        written.push((355, data.clone()));
        prop_assert_eq!(&read[..read.len() - 1], &written[..]);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = frames(&bytes);
        let _ = frames(&sealed(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn no_text_like_fix_does_harm(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("8=FIX.4.4\u{1}".to_owned()),
                Just("9=5\u{1}".to_owned()),
                Just("35=0\u{1}".to_owned()),
                Just("10=163\u{1}".to_owned()),
                Just("95=4\u{1}96=8=FI\u{1}".to_owned()),
                "[0-9=\u{1}]{0,8}",
            ],
            0..30,
        ),
        cut in 1usize..40,
    ) {
        let bytes = pieces.concat().into_bytes();
        let mut framer = Framer::new(LIMITS);
        let mut found = Vec::new();
        'stream: for piece in bytes.chunks(cut) {
            framer.push(piece);
            loop {
                match framer.next_frame() {
                    Ok(Some(Frame::Message(message))) => found.push(message.kind().to_owned()),
                    Ok(Some(Frame::Garbled(_))) => {}
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
        if frames(&bytes).is_ok() {
            prop_assert_eq!(found, messages(&bytes), "however it is cut");
        }
        if let Ok(list) = frames(&bytes) {
            for frame in list {
                if let Frame::Message(message) = frame {
                    let _ = (message.group(146, &[55]), message.number(34), message.time(52), message.text(58));
                }
            }
        }
    }

    /// What is wrong is noticed: a message with one byte changed is never taken for the same.
    #[test]
    fn a_changed_byte_is_noticed(at in 0usize..60, change in 1u8..255) {
        let good = sealed("35=D|34=5|49=A|56=B|52=20240101-00:00:00|11=abc|55=X|");
        let mut bad = good.clone();
        let at = at % bad.len();
        bad[at] = bad[at].wrapping_add(change);
        prop_assert!(read_message(&bad, LIMITS).is_none_or(|message| message.bytes() != good.as_slice()));
        prop_assert!(frames(&bad).is_err() || messages(&bad).is_empty());
    }
}
