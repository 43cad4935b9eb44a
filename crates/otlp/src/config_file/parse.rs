//! From YAML to nodes: references are put in as scalars are read, and only then has a scalar a type.

use super::node::Node;
use super::substitute::substitute;
use granit_parser::{Event, Parser, ScalarStyle, Span};

/// How deep a document may nest; those of the schema have about ten levels.
const MAX_DEPTH: usize = 64;

/// Where variables are looked up.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The one document of the text.
pub(super) fn parse(text: &str, lookup: Lookup<'_>) -> Result<Node, String> {
    let mut events = Parser::new_from_str(text);
    let mut document = None;
    while let Some((event, span)) = next(&mut events)? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if document.is_some() => return Err(at(&span, "a second document")),
            event => document = Some(node(event, &span, &mut events, lookup, 0)?),
        }
    }
    document.ok_or_else(|| "the file is empty".to_owned())
}

fn at(span: &Span, problem: &str) -> String {
    format!("line {}: {problem}", span.start.line())
}

fn next<'a>(
    events: &mut impl Iterator<Item = Result<(Event<'a>, Span), granit_parser::ScanError>>,
) -> Result<Option<(Event<'a>, Span)>, String> {
    events.next().transpose().map_err(|error| format!("this is no YAML: {error}"))
}

fn node<'a>(
    event: Event<'a>,
    span: &Span,
    events: &mut impl Iterator<Item = Result<(Event<'a>, Span), granit_parser::ScanError>>,
    lookup: Lookup<'_>,
    depth: usize,
) -> Result<Node, String> {
    if depth > MAX_DEPTH {
        return Err(at(span, "this is nested too deeply"));
    }
    let unfinished = || "the file ends too early".to_owned();
    match event {
        Event::Scalar(text, style, ..) => {
            let value = substitute(&text, lookup).map_err(|problem| at(span, &problem))?;
            Ok(if style == ScalarStyle::Plain { Node::plain(value) } else { Node::Text(value) })
        }
        Event::SequenceStart(..) => {
            let mut nodes = Vec::new();
            loop {
                match next(events)?.ok_or_else(unfinished)? {
                    (Event::SequenceEnd, _) => return Ok(Node::List(nodes)),
                    (event, span) => nodes.push(node(event, &span, events, lookup, depth + 1)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries: Vec<(String, Node)> = Vec::new();
            loop {
                let key = match next(events)?.ok_or_else(unfinished)? {
                    (Event::MappingEnd, _) => return Ok(Node::Map(entries)),
                    // As it is written: keys have no references (CFG-04).
                    (Event::Scalar(key, ..), span) if entries.iter().any(|(known, _)| **known == *key) => {
                        return Err(at(&span, &format!("the key {key:?} is there twice")));
                    }
                    (Event::Scalar(key, ..), _) => key.into_owned(),
                    (_, span) => return Err(at(&span, "a key must be a text")),
                };
                let (event, span) = next(events)?.ok_or_else(unfinished)?;
                entries.push((key, node(event, &span, events, lookup, depth + 1)?));
            }
        }
        _ => Err(at(span, "aliases and the like are not supported")),
    }
}
