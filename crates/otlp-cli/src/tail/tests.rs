//! What is on the screen after which keys: the state on a store that was filled, drawn on a terminal that is none.

use super::draw;
use super::key::Key;
use super::look::Look;
use super::state::{State, Wish};
use crate::serve::intake::Intake;
use crate::serve::store::{Keep, Store};
use otlp_model::response::is_deceptive;
use otlp_model::{Signal, json};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use std::ffi::OsStr;
use std::sync::Arc;

/// A terminal's user, with everything behind the terminal.
struct User {
    store: Arc<Store>,
    intake: Intake,
    state: State,
    look: Look,
    size: (u16, u16),
}

impl User {
    fn new(look: Look) -> Self {
        let store = Arc::new(Store::new(Keep::Items(10_000)));
        let intake = Intake { store: Arc::clone(&store), file: None, news: None };
        Self { store, intake, state: State::new("gRPC 127.0.0.1:4317".to_owned()), look, size: (100, 20) }
    }

    /// Receives a request in JSON, and shows it.
    fn receive(&mut self, signal: Signal, json: &str) {
        let protobuf = json::request_from_json(signal, json.as_bytes()).unwrap();
        self.intake.take(signal, &protobuf).unwrap();
        self.state.refresh(&self.store);
    }

    fn press(&mut self, keys: impl IntoIterator<Item = Key>) -> Wish {
        let mut last = Wish::Nothing;
        for key in keys {
            last = self.state.key(key);
            if last == Wish::Ask {
                self.state.refresh(&self.store);
            }
        }
        last
    }

    fn drawn(&self) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| draw::all(&self.state, self.look, frame)).unwrap();
        terminal
    }

    fn lines(&self) -> Vec<String> {
        let terminal = self.drawn();
        let cells = terminal.backend().buffer().content();
        let row =
            |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect::<String>();
        cells.chunks(usize::from(self.size.0)).map(|cells| row(cells).trim_end().to_owned()).collect()
    }

    #[track_caller]
    fn sees(&self, texts: &[&str]) {
        let screen = self.lines().join("\n");
        for text in texts {
            assert!(screen.contains(text), "{text:?} is missing:\n{screen}");
        }
    }

    /// The line that is selected.
    fn selected(&self) -> String {
        let terminal = self.drawn();
        let buffer = terminal.backend().buffer();
        let reversed = |y: u16| {
            let cell = buffer.cell((self.size.0 - 1, y));
            cell.is_some_and(|cell| cell.modifier.contains(Modifier::REVERSED))
        };
        // The first line has the tabs.
        let at = (1..self.size.1).find(|y| reversed(*y));
        self.lines()[usize::from(at.unwrap())].clone()
    }
}

const COLOURS: Option<&OsStr> = None;

/// Trace number `trace`: a root of 100 ms, and a child that fails.
fn trace(trace: u8) -> String {
    let start = 1_700_000_000_000_000_000 + u64::from(trace) * 1_000_000_000;
    let (id, middle, end) = (format!("{trace:02x}").repeat(16), start + 50_000_000, start + 100_000_000);
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeSpans":[{{"spans":[
        {{"traceId":"{id}","spanId":"1111111111111111","name":"GET /cart/{trace}","kind":2,
          "startTimeUnixNano":"{start}","endTimeUnixNano":"{end}"}},
        {{"traceId":"{id}","spanId":"2222222222222222","parentSpanId":"1111111111111111","name":"SELECT","kind":3,
          "startTimeUnixNano":"{middle}","endTimeUnixNano":"{end}","status":{{"code":2,"message":"no such table"}},
          "attributes":[{{"key":"db.system.name","value":{{"stringValue":"postgresql"}}}}],
          "events":[{{"name":"exception","timeUnixNano":"{end}"}}]}}]}}]}}]}}"#
    )
}

fn log(trace: u8) -> String {
    let id = format!("{trace:02x}").repeat(16);
    format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"timeUnixNano":"1700000000000000000","severityNumber":17,
        "traceId":"{id}","spanId":"2222222222222222","body":{{"stringValue":"query failed"}}}}]}}]}}]}}"#
    )
}

#[test]
fn traces_are_listed_newest_first_and_the_selection_stays_with_its_trace() {
    let mut user = User::new(Look::new(COLOURS));
    user.sees(&["nothing has arrived yet", "gRPC 127.0.0.1:4317", "q quit"]);
    user.receive(Signal::Traces, &trace(1));
    user.receive(Signal::Traces, &trace(2));
    let lines = user.lines();
    assert!(lines[1].starts_with("start        service            root"), "{lines:#?}");
    assert!(lines[2].starts_with("22:13:22.000 shop               GET /cart/2"), "{lines:#?}");
    assert!(lines[2].ends_with("100.0ms   2      1 failed"), "{lines:#?}");
    // The newest is selected, until another is chosen.
    assert!(user.selected().contains("/cart/2"));
    user.receive(Signal::Traces, &trace(3));
    assert!(user.selected().contains("/cart/3"));
    user.press([Key::Down]);
    user.receive(Signal::Traces, &trace(4));
    assert!(user.selected().contains("/cart/2"), "{:#?}", user.lines());
    user.press([Key::Last, Key::Down]);
    assert!(user.selected().contains("/cart/1"));
    user.press([Key::First, Key::Up]);
    assert!(user.selected().contains("/cart/4"));
}

#[test]
fn enter_opens_the_waterfall_with_the_details_of_the_selected_span() {
    let mut user = User::new(Look::new(COLOURS));
    user.size = (100, 30);
    user.receive(Signal::Traces, &trace(7));
    user.receive(Signal::Logs, &log(7));
    user.press([Key::Enter]);
    user.sees(&[
        "trace 07070707070707070707070707070707",
        "  ! SELECT  shop",
        "kind      server",
        "service.name = shop",
    ]);
    let lines = user.lines();
    let bars: Vec<&str> = lines.iter().filter_map(|line| line.find('█').map(|at| &line[at..])).collect();
    let lengths: Vec<usize> = bars.iter().map(|bar| bar.chars().count()).collect();
    assert_eq!(lengths, [49, 24], "{lines:#?}");
    user.press([Key::Down]);
    user.sees(&[
        "status    ERROR no such table",
        "db.system.name = postgresql",
        "event     +50.0ms exception",
        "log       22:13:20.000 ERROR query failed",
    ]);
    // What comes later is added, and nothing else moves.
    user.receive(Signal::Traces, &trace(7).replace("2222222222222222", "3333333333333333"));
    user.sees(&["status    ERROR no such table"]);
    user.press([Key::Back]);
    user.sees(&["GET /cart/7"]);
    assert!(!user.lines().join("").contains("SELECT"));
}

#[test]
fn details_that_are_longer_than_their_place_scroll() {
    let mut user = User::new(Look::new(COLOURS));
    user.size = (80, 12);
    user.receive(Signal::Traces, &trace(7));
    user.press([Key::Enter]);
    assert!(!user.lines().join("").contains("service.name = shop"));
    user.press([Key::PageDown]);
    user.sees(&["service.name = shop"]);
    user.press([Key::PageUp]);
    user.sees(&["service   shop"]);
}

#[test]
fn a_slash_searches_while_it_is_typed_and_escape_shows_all_again() {
    let mut user = User::new(Look::new(COLOURS));
    for number in 1..=3 {
        user.receive(Signal::Traces, &trace(number));
    }
    user.press("/CART/2".chars().map(Key::Char));
    user.sees(&["/CART/2█", "GET /cart/2"]);
    assert!(!user.lines().join("").contains("GET /cart/1"));
    // `q` is a letter here.
    user.press([Key::Char('q')]);
    user.sees(&["nothing is found"]);
    user.press([Key::Erase, Key::Enter]);
    user.sees(&["found by \"CART/2\"", "GET /cart/2"]);
    user.press([Key::Enter]);
    user.sees(&["trace 0202"]);
    user.press([Key::Back, Key::Back]);
    user.sees(&["GET /cart/1", "GET /cart/3"]);
    assert_eq!(user.press([Key::Char('q')]), Wish::Quit);
    assert_eq!(user.press([Key::Char('/'), Key::Quit]), Wish::Quit);
}

#[test]
fn logs_lead_to_their_trace_and_metrics_show_their_last_value_and_a_plot() {
    let mut user = User::new(Look::new(COLOURS));
    user.receive(Signal::Traces, &trace(7));
    user.receive(Signal::Logs, &log(7));
    user.receive(Signal::Logs, &log(9));
    user.press([Key::Tab]);
    user.sees(&["22:13:20.000 ERROR  ", "query failed"]);
    user.press([Key::Down, Key::Enter]);
    user.sees(&["trace 0707", "SELECT"]);
    // One whose spans went elsewhere.
    user.press([Key::Back, Key::Up, Key::Enter]);
    user.sees(&["no span of this trace has arrived", "query failed"]);
    user.press([Key::Back, Key::Tab]);
    let point = |time: u64, value: i64| format!(r#"{{"timeUnixNano":"{time}","asInt":"{value}"}}"#);
    let points = [point(3, 15), point(1, 1), point(2, 8)].join(",");
    user.receive(
        Signal::Metrics,
        &format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"queue","unit":"By","description":"how long it is",
            "gauge":{{"dataPoints":[{points}]}}}}]}}]}}]}}"#
        ),
    );
    user.sees(&["queue", "gauge", "15 By", "▁▄█", "how long it is"]);
}

#[test]
fn what_is_said_by_colours_is_said_without_them_too() {
    let has_colour = |user: &User| {
        let terminal = user.drawn();
        let cells = terminal.backend().buffer().content();
        cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    for (no_color, expected) in [(None, true), (Some("1"), false), (Some(""), true)] {
        let mut user = User::new(Look::new(no_color.map(OsStr::new)));
        user.receive(Signal::Traces, &trace(7));
        assert_eq!(has_colour(&user), expected, "{no_color:?}");
        user.sees(&["1 failed"]);
        user.press([Key::Enter]);
        assert_eq!(has_colour(&user), expected, "{no_color:?}");
        user.sees(&["! SELECT"]);
    }
}

#[test]
fn nothing_that_is_shown_commands_the_terminal() {
    let mut user = User::new(Look::new(COLOURS));
    user.size = (200, 60);
    // Escape, a control sequence in one character, a letter that turns the direction of writing.
    let hostile = r"a\u001b[31m\u009b31m\u202eb\r\nc";
    let attributes = format!(r#""attributes":[{{"key":"{hostile}","value":{{"stringValue":"{hostile}"}}}}]"#);
    let resource = attributes.replacen(hostile, "service.name", 1);
    let id = "07".repeat(16);
    let of = |signal: &str, items: &str| {
        format!(
            r#"{{"resource{signal}":[{{"resource":{{{resource}}},"scope{signal}":[{{"scope":{{"name":"{hostile}"}},{items}}}]}}]}}"#
        )
    };
    let event = format!(r#"{{"name":"{hostile}",{attributes}}}"#);
    let span = format!(
        r#""spans":[{{"traceId":"{id}","spanId":"1111111111111111","name":"{hostile}",{attributes},
        "status":{{"code":2,"message":"{hostile}"}},"events":[{event}],"links":[{{{attributes}}}]}}]"#
    );
    let log = format!(
        r#""logRecords":[{{"traceId":"{id}","spanId":"1111111111111111","eventName":"{hostile}","severityText":"{hostile}",
        "body":{{"stringValue":"{hostile}"}},{attributes}}}]"#
    );
    let metric = format!(
        r#""metrics":[{{"name":"{hostile}","description":"{hostile}","unit":"{hostile}","gauge":{{"dataPoints":[{{"asInt":"1",{attributes}}}]}}}}]"#
    );
    let show = |user: &User| {
        let screen = user.lines().concat();
        assert!(screen.contains("a [31m"), "{screen}");
        assert!(!screen.chars().any(is_deceptive), "{screen:?}");
    };
    user.receive(Signal::Logs, &of("Logs", &log));
    user.press([Key::Tab]);
    show(&user);
    // Its trace has no span yet.
    user.press([Key::Enter]);
    show(&user);
    user.receive(Signal::Traces, &of("Spans", &span));
    show(&user);
    user.press([Key::Back, Key::Tab]);
    user.receive(Signal::Metrics, &of("Metrics", &metric));
    show(&user);
    user.press([Key::Tab]);
    show(&user);
}

/// Each a child of the one before.
fn chain(length: u64) -> String {
    let id = "07".repeat(16);
    let span = |at: u64| {
        format!(
            r#"{{"traceId":"{id}","spanId":"{:016x}","parentSpanId":"{:016x}","name":"deep {at}."}}"#,
            at + 1,
            at
        )
    };
    let spans: Vec<_> = (0..length).map(span).collect();
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}

#[test]
fn a_trace_of_any_depth_can_be_walked_through() {
    let mut user = User::new(Look::new(COLOURS));
    user.receive(Signal::Traces, &chain(5_000));
    user.press([Key::Enter]);
    user.sees(&["deep 0.", "deep 7."]);
    user.press([Key::Last]);
    user.sees(&["deep 4992.", "deep 4999."]);
    assert!(user.selected().contains("deep 4999."), "{:#?}", user.lines());
    user.press([Key::Up]);
    assert!(user.selected().contains("deep 4998."), "{:#?}", user.lines());
}

#[test]
fn any_size_can_be_drawn() {
    let mut user = User::new(Look::new(COLOURS));
    user.receive(Signal::Traces, &trace(7));
    for keys in [&[][..], &[Key::Enter]] {
        user.press(keys.iter().copied());
        for size in [(1, 1), (3, 2), (10, 4), (20, 3), (300, 100)] {
            user.size = size;
            assert_eq!(user.lines().len(), usize::from(size.1));
        }
    }
}
