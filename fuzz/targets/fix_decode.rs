//! Bytes from strangers, as a stream of FIX messages: read however they are cut, and whatever is a message stays one.
#![no_main]

use fix::{Body, Frame, Framer, Header, MessageLimits, Utc};
use libfuzzer_sys::fuzz_target;

const LIMITS: MessageLimits = MessageLimits { bytes: 4_096, fields: 128, entries: 16 };

fuzz_target!(|data: &[u8]| {
    // The first byte says how the stream is cut. The rest is read as it is, and as the body of a message whose length and
    // check sum are right, so that the fields are reached.
    let Some((cut, bytes)) = data.split_first() else { return };
    let cut = usize::from(*cut).max(1);
    read(bytes, cut);
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let mut body = Body::new("D");
    for field in text.split('|') {
        if let Some((tag, value)) = field.split_once('=')
            && let Ok(tag) = tag.parse()
        {
            body.push(tag, value);
        }
    }
    let header = Header { sender: "A", target: "B", number: 1, time: Utc(0), original: None };
    read(&header.frame(&body), cut);
});

fn read(bytes: &[u8], cut: usize) {
    let whole = frames(bytes, bytes.len().max(1));
    let pieces = frames(bytes, cut);
    // How a stream is cut says nothing about which messages are in it.
    assert_eq!(whole, pieces);
}

fn frames(bytes: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let mut framer = Framer::new(LIMITS);
    let mut messages = Vec::new();
    for piece in bytes.chunks(cut) {
        framer.push(piece);
        loop {
            match framer.next_frame() {
                Ok(Some(Frame::Message(message))) => {
                    for (tag, _) in message.fields() {
                        let _ = (message.text(tag), message.optional_number(tag), message.optional_time(tag));
                        let _ = message.group(tag, &[55, 460, 461]);
                    }
                    assert!(fix::read_message(message.bytes(), LIMITS).is_some());
                    messages.push(message.bytes().to_vec());
                }
                Ok(Some(Frame::Garbled(_))) => {}
                Ok(None) => break,
                Err(_) => return messages,
            }
        }
    }
    messages
}
