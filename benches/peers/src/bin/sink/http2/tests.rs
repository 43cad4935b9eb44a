//! Frames by hand. What the four clients send is tested with them, in `tests/contenders.rs`.

use super::output::frame;
use super::*;

/// POST, and the path of traces as a literal that enters no table.
fn request(stream: u32, flags: u8) -> Vec<u8> {
    let path = b"/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let block = [&[0x83, 0x04, path.len() as u8][..], path].concat();
    let (first, rest) = block.split_at(9);
    [
        frame(kind::HEADERS, flags, stream, first),
        frame(kind::CONTINUATION, 0, stream, &rest[..20]),
        frame(kind::CONTINUATION, flag::END_HEADERS, stream, &rest[20..]),
    ]
    .concat()
}

/// A message with `items` empty spans.
fn message(items: u8) -> Vec<u8> {
    let scope = [0x12, 0].repeat(items.into());
    let length = scope.len() as u8;
    [&[0, 0, 0, 0, length + 4][..], &[0x0a, length + 2, 0x12, length], &scope].concat()
}

/// What is written on all that is sent, and the end.
fn exchange(frames: &[Vec<u8>]) -> (Vec<u8>, io::Result<()>) {
    struct Shared(Arc<Mutex<Vec<u8>>>);
    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let written = Arc::new(Mutex::new(Vec::new()));
    let sent = [PREFACE.to_vec(), frames.concat()].concat();
    let books = Mutex::new(Books::default());
    let end = serve(Input::new(&sent[..]), Shared(Arc::clone(&written)), &books, Duration::ZERO);
    let written = written.lock().unwrap();
    (written.strip_prefix(&greeting()[..]).unwrap().to_vec(), end)
}

fn good(stream: u32) -> Vec<u8> {
    Answer::new(stream, Path::Grpc, true).frames()
}

#[test]
fn requests_are_told_apart_and_answered_in_the_order_of_their_ends() {
    let (a, b) = (message(3), message(5));
    let padded = [&[4][..], &b[7..], &[0; 4]].concat();
    let (written, end) = exchange(&[
        request(1, 0),
        request(3, 0),
        frame(kind::DATA, 0, 1, &a[..3]),
        frame(kind::DATA, 0, 3, &b[..7]),
        frame(kind::PING, 0, 0, b"are you?"),
        frame(kind::DATA, flag::PADDED | flag::END_STREAM, 3, &padded),
        frame(kind::DATA, flag::END_STREAM, 1, &a[3..]),
    ]);
    assert!(end.is_ok());
    assert_eq!(written, [frame(kind::PING, flag::ACK, 0, b"are you?"), good(3), good(1)].concat());
}

#[test]
fn windows_are_given_back_when_half_is_used() {
    let half = WINDOW / 2;
    let fill = half as usize / MAX_FRAME;
    let mut frames = vec![request(1, 0)];
    // The first message is longer than said, which matters at its end only.
    frames.extend(vec![frame(kind::DATA, 0, 1, &[0; MAX_FRAME]); fill + 1]);
    frames.push(frame(kind::RESET, 0, 1, &[0; 4]));
    frames.extend(vec![frame(kind::DATA, 0, 1, &[0; MAX_FRAME]); fill - 1]);
    let (written, end) = exchange(&frames);
    assert!(end.is_ok());
    assert_eq!(written, [window_update(1, half), window_update(0, half), window_update(0, half)].concat());
}

#[test]
fn an_answer_waits_for_room() {
    let mut output = Output::new(Vec::new());
    let answer = Answer::new(1, Path::Grpc, true);
    let fit = FIRST_WINDOW as usize / 5;
    (0..fit + 2).for_each(|_| output.answer(&answer).unwrap());
    let length = |output: &Output<Vec<u8>>| output.stream().len() / answer.frames().len();
    assert_eq!(length(&output), fit);
    output.widen(4).unwrap();
    assert_eq!(length(&output), fit);
    output.widen(6).unwrap();
    assert_eq!(length(&output), fit + 2);
}

#[test]
fn what_is_not_understood_ends_the_connection() {
    let (written, end) = exchange(&[request(1, flag::END_STREAM)]);
    assert!(end.is_ok());
    assert_eq!(written, Answer::new(1, Path::Grpc, false).frames(), "no message at all");
    for wrong in [
        frame(kind::DATA, 0, 1, &[0; MAX_FRAME + 1]),
        frame(kind::DATA, flag::PADDED, 1, &[2, 0]),
        frame(kind::CONTINUATION, 0, 1, &[]),
        frame(kind::HEADERS, flag::END_HEADERS, 1, &[0xff; 12]),
        frame(kind::HEADERS, 0, 1, &[]),
        vec![0; 5],
    ] {
        assert!(exchange(std::slice::from_ref(&wrong)).1.is_err(), "{wrong:?}");
    }
}
