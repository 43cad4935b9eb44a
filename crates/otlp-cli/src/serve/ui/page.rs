//! The files of the page, embedded in the binary. There is no build step: what is in `page/` is what a browser gets.

/// The kind and the text of the file at a path.
pub(super) fn file(path: &str) -> Option<(&'static str, &'static str)> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Some(match path {
        "/" => ("text/html; charset=utf-8", include_str!("page/index.html")),
        "/style.css" => ("text/css; charset=utf-8", include_str!("page/style.css")),
        "/icon.svg" => ("image/svg+xml", include_str!("page/icon.svg")),
        "/app.js" => (SCRIPT, include_str!("page/app.js")),
        "/details.js" => (SCRIPT, include_str!("page/details.js")),
        "/dom.js" => (SCRIPT, include_str!("page/dom.js")),
        "/format.js" => (SCRIPT, include_str!("page/format.js")),
        "/logs.js" => (SCRIPT, include_str!("page/logs.js")),
        "/metrics.js" => (SCRIPT, include_str!("page/metrics.js")),
        "/plot.js" => (SCRIPT, include_str!("page/plot.js")),
        "/rows.js" => (SCRIPT, include_str!("page/rows.js")),
        "/trace.js" => (SCRIPT, include_str!("page/trace.js")),
        "/traces.js" => (SCRIPT, include_str!("page/traces.js")),
        "/tree.js" => (SCRIPT, include_str!("page/tree.js")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_script_shows_is_parsed_as_html() {
        let scripts =
            ["app", "details", "dom", "format", "logs", "metrics", "plot", "rows", "trace", "traces", "tree"];
        for script in scripts {
            let (_, text) = file(&format!("/{script}.js")).unwrap();
            for sink in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "eval("]
            {
                assert!(!text.contains(sink), "{script}.js has {sink}");
            }
        }
    }
}
