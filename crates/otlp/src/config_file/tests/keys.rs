//! That the page on configuration has all keys that are read, and no others: the reader says what it supports wherever something
//! is not, so it is asked at every place of a file that has everything.

#![cfg(all(feature = "grpc", feature = "json", feature = "gzip", feature = "_tls"))]

use super::lookup;
use crate::config_file::document;
use crate::config_file::node::Node;
use crate::config_file::parse::parse;
use std::collections::BTreeSet;
use std::path::Path;

const COMPLETE: &str = include_str!("complete.yaml");

fn map_at<'a>(node: &'a mut Node, way: &[usize]) -> &'a mut Vec<(String, Node)> {
    match (node, way) {
        (Node::Map(entries), []) => entries,
        (Node::Map(entries), [first, rest @ ..]) => map_at(&mut entries[*first].1, rest),
        (Node::List(nodes), [first, rest @ ..]) => map_at(&mut nodes[*first], rest),
        (other, way) => panic!("{other:?} {way:?}"),
    }
}

/// The way to every map, by the number of each entry, and the keys of all of them.
fn walk(node: &Node, way: &[usize], ways: &mut Vec<Vec<usize>>, keys: &mut BTreeSet<String>) {
    let below = |number| [way, &[number]].concat();
    match node {
        Node::Map(entries) => {
            ways.push(way.to_vec());
            for (number, (key, node)) in entries.iter().enumerate() {
                keys.insert(key.clone());
                walk(node, &below(number), ways, keys);
            }
        }
        Node::List(nodes) => {
            nodes.iter().enumerate().for_each(|(number, node)| walk(node, &below(number), ways, keys));
        }
        _ => {}
    }
}

#[test]
fn the_reader_the_complete_file_and_the_page_have_the_same_keys() {
    // conf: CFG-22, CFG-26, LOG-15
    let complete = parse(COMPLETE, &lookup).unwrap();
    let read = |document: &Node| document::settings(document, Path::new("/etc/otel.yaml"), &lookup);
    let settings = read(&complete).unwrap();
    assert_eq!(settings.warnings, [""; 0]);
    assert!(settings.events_on_spans.as_ref().unwrap().value);
    let depths =
        [settings.span_limits, settings.log_limits].map(|limits| limits.attribute_value_depth.unwrap().value);
    assert_eq!(depths, [4, 2], "each its own");
    let (mut ways, mut written) = (Vec::new(), BTreeSet::new());
    walk(&complete, &[], &mut ways, &mut written);

    // What is said to be supported wherever something is not.
    let mut supported = BTreeSet::new();
    for way in &ways {
        let mut with_more = complete.clone();
        map_at(&mut with_more, way).push(("unknown".to_owned(), Node::Null));
        let problem = match read(&with_more) {
            Ok(settings) => settings.warnings[0].clone(),
            Err(problem) if problem.contains("exactly one key") => {
                let mut another = complete.clone();
                map_at(&mut another, way)[0].0 = "unknown".to_owned();
                read(&another).unwrap_err()
            }
            Err(problem) => problem,
        };
        assert!(problem.contains("unknown: is "), "{problem}");
        let (_, list) = problem.split_once("supported is ").unwrap_or_else(|| panic!("{problem}"));
        supported.extend(list.split(';').next().unwrap().split(", ").map(str::to_owned));
    }
    assert_eq!(supported, written, "left: what is read; right: what complete.yaml has");

    let page = include_str!("../../../../../docs/configuration.md");
    let (_, table) = page.split_once("| part | keys |").unwrap();
    let table = table.split_once("\n\n").unwrap().0;
    let documented: BTreeSet<_> = table.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(supported, documented, "left: what is read; right: what docs/configuration.md says");
}
