//! What becomes of each HTTP/2 frame: passed on, dropped, changed, or answered by the proxy.
//!
//! A pure state machine, one per connection, driven by `relay`. Neither reads nor writes nor waits.

use super::frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE,
};
use super::{Bomb, Goaway, Http2, Pings};
use crate::proxy::tally::Event;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::BTreeSet;

/// What `relay` has to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    ToClient(Frame),
    ToServer(Frame),
    Count(Event),
    /// These frames, then the last of them again and again.
    Endless(Frame, Frame),
    /// Close the client's side in order.
    Close,
}

pub(super) struct State {
    plan: Http2,
    /// How many streams the client has opened, and the id of the newest.
    streams: u64,
    newest: u32,
    pings: u64,
    /// Streams that the server works on.
    open: BTreeSet<u32>,
    /// Streams whose frames are of no interest to the other side any more.
    dead: BTreeSet<u32>,
    /// Streams whose answer is a bomb.
    bombs: Vec<(u32, Bomb)>,
    /// After a GOAWAY: the last stream that counts, and whether to close when all is done.
    line: Option<(u32, bool)>,
    introduced: bool,
}

impl State {
    pub(super) fn new(plan: Http2) -> Self {
        Self {
            plan,
            streams: 0,
            newest: 0,
            pings: 0,
            open: BTreeSet::new(),
            dead: BTreeSet::new(),
            bombs: Vec::new(),
            line: None,
            introduced: false,
        }
    }

    pub(super) fn client_sent(&mut self, frame: Frame) -> Vec<Action> {
        let mut actions = match frame.kind {
            HEADERS if frame.stream > self.newest => self.opened(frame),
            PING if !frame.has(ACK) => self.ping(frame),
            SETTINGS if frame.has(ACK) => vec![Action::Count(Event::SettingsAck), Action::ToServer(frame)],
            GOAWAY => vec![Action::Count(Event::Goaway), Action::ToServer(frame)],
            RST_STREAM => {
                self.open.remove(&frame.stream);
                let mut actions = vec![Action::Count(Event::Reset)];
                if !self.dead.contains(&frame.stream) {
                    actions.push(Action::ToServer(frame));
                }
                actions
            }
            DATA => self.data(frame),
            _ if self.dead.contains(&frame.stream) => Vec::new(),
            _ => vec![Action::ToServer(frame)],
        };
        self.close_when_done(&mut actions);
        actions
    }

    pub(super) fn server_sent(&mut self, frame: Frame) -> Vec<Action> {
        if self.dead.contains(&frame.stream) {
            return Vec::new();
        }
        let bomb = self.bombs.iter().find(|(stream, _)| *stream == frame.stream).map(|(_, bomb)| *bomb);
        let mut actions = match (frame.kind, bomb) {
            (HEADERS, Some(bomb)) => {
                self.dead.insert(frame.stream);
                self.open.remove(&frame.stream);
                vec![explode(bomb, frame.stream)]
            }
            (SETTINGS, _) if frame.has(ACK) && !self.plan.acks_settings => Vec::new(),
            (SETTINGS, _) if !frame.has(ACK) && !self.introduced => {
                self.introduced = true;
                let payload = with_settings(frame.payload, &self.plan.settings);
                vec![Action::ToClient(Frame::new(SETTINGS, 0, 0, payload))]
            }
            (WINDOW_UPDATE, _) if frame.stream != 0 && self.plan.window.is_some() => Vec::new(),
            _ => {
                let last = matches!(frame.kind, HEADERS | DATA) && frame.has(END_STREAM);
                if last || frame.kind == RST_STREAM {
                    self.open.remove(&frame.stream);
                }
                vec![Action::ToClient(frame)]
            }
        };
        self.close_when_done(&mut actions);
        actions
    }

    /// Says goodbye now.
    pub(super) fn goaway(&mut self, goaway: &Goaway) -> Vec<Action> {
        let last = goaway.last_stream.unwrap_or(self.newest);
        self.line = Some((last, goaway.close));
        // What the server has not been told to forget: it may answer, but nobody listens.
        self.dead.extend(self.open.iter().filter(|stream| **stream > last));
        self.open.retain(|stream| *stream <= last);
        let mut actions = vec![Action::ToClient(Frame::goaway(last, goaway.code, &goaway.debug))];
        self.close_when_done(&mut actions);
        actions
    }

    fn close_when_done(&self, actions: &mut Vec<Action>) {
        if self.open.is_empty()
            && self.line.is_some_and(|(_, close)| close)
            && !actions.contains(&Action::Close)
        {
            actions.push(Action::Close);
        }
    }

    fn opened(&mut self, frame: Frame) -> Vec<Action> {
        let stream = frame.stream;
        self.streams += 1;
        self.newest = stream;
        self.open.insert(stream);
        let mut actions = vec![Action::Count(Event::Stream { open: self.open.len() as u64 })];
        if let Some((at, goaway)) = self.plan.goaway.clone()
            && at == self.streams
        {
            actions.append(&mut self.goaway(&goaway));
        }
        if self.line.is_some_and(|(last, _)| stream > last) {
            self.open.remove(&stream);
            self.dead.insert(stream);
            actions.insert(1, Action::Count(Event::Ignored));
            return actions;
        }
        let reset = self.plan.resets.iter().find(|(at, _)| *at == self.streams);
        if let Some((_, code)) = reset {
            actions.push(Action::ToClient(Frame::reset(stream, *code)));
            // The server must read the headers, which may be part of the compression table, and nothing else.
            actions.push(Action::ToServer(frame));
            actions.push(Action::ToServer(Frame::reset(stream, 8)));
            self.open.remove(&stream);
            self.dead.insert(stream);
            return actions;
        }
        if let Some((_, bomb)) = self.plan.answers.iter().find(|(at, _)| *at == self.streams) {
            self.bombs.push((stream, *bomb));
        }
        actions.push(Action::ToServer(frame));
        actions
    }

    fn data(&self, frame: Frame) -> Vec<Action> {
        let bytes = u32::try_from(frame.payload.len()).unwrap_or(0);
        if self.dead.contains(&frame.stream) {
            // The server does not see it, so it cannot grant the connection's window again.
            return if bytes > 0 { vec![Action::ToClient(Frame::grant(0, bytes))] } else { Vec::new() };
        }
        let mut actions = Vec::new();
        if self.plan.window.is_some_and(|window| window > 0) && bytes > 0 && !frame.has(END_STREAM) {
            actions.push(Action::ToClient(Frame::grant(frame.stream, bytes)));
        }
        actions.push(Action::ToServer(frame));
        actions
    }

    fn ping(&mut self, frame: Frame) -> Vec<Action> {
        self.pings += 1;
        let mut actions = vec![Action::Count(Event::Ping)];
        match self.plan.pings {
            Pings::Ignore => {}
            Pings::RefuseAfter(pings) if self.pings > pings => {
                let angry = Goaway::new(11).with_debug("too_many_pings");
                actions.append(&mut self.goaway(&angry));
                actions.push(Action::Close);
            }
            Pings::Answer | Pings::RefuseAfter(_) => actions.push(Action::ToServer(frame)),
        }
        actions
    }
}

/// The server's SETTINGS, with the plan's values in place of its own.
fn with_settings(mut theirs: Bytes, plan: &[(u16, u32)]) -> BytesMut {
    let mut payload = BytesMut::new();
    while theirs.len() >= 6 {
        let (id, value) = (theirs.get_u16(), theirs.get_u32());
        if plan.iter().all(|(other, _)| *other != id) {
            payload.put_u16(id);
            payload.put_u32(value);
        }
    }
    for (id, value) in plan {
        payload.put_u16(*id);
        payload.put_u32(*value);
    }
    payload
}

/// `:status: 200`, from the static table.
const STATUS_200: u8 = 0x88;

fn explode(bomb: Bomb, stream: u32) -> Action {
    match bomb {
        Bomb::Endless => {
            let field = literal(0x00, b'x', 1_000);
            let fields = Bytes::from(field.repeat(16));
            let head = [&[STATUS_200][..], &fields].concat();
            Action::Endless(Frame::new(HEADERS, 0, stream, head), Frame::new(CONTINUATION, 0, stream, fields))
        }
        Bomb::Hpack => {
            let mut block = vec![STATUS_200];
            block.append(&mut literal(0x40, b'x', 4_000));
            // The first entry of the dynamic table, which is the field just sent.
            block.resize(16_384, 0x80 | 62);
            Action::ToClient(Frame::new(HEADERS, END_HEADERS, stream, block))
        }
    }
}

/// A field `x` with a value of `length` (128 to 16,511) bytes, in the literal form that `form` says.
fn literal(form: u8, byte: u8, length: u16) -> Vec<u8> {
    let rest = length.saturating_sub(127);
    let mut field = vec![form, 1, byte, 127];
    field.extend([0x80 | (rest & 0x7f) as u8, (rest >> 7) as u8]);
    field.resize(field.len() + usize::from(length), byte);
    field
}
