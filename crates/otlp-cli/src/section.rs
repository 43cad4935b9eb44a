//! The sections of the troubleshooting guide that the command sends people to.
//!
//! Used wherever a page is named, so that none is named that is not there. Says nothing of what is in them.

use clap::ValueEnum;

/// A section of docs/troubleshooting.md, by its heading. That it can be listed keeps every one of them under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    Connect,
    Incomplete,
    Lost,
    Options,
    Proxy,
    Refused,
    Timeout,
    Tls,
}

impl Section {
    /// Where it is.
    pub(crate) fn page(self) -> String {
        let heading = self.to_possible_value().map(|value| value.get_name().to_owned());
        format!("docs/troubleshooting.md#{}", heading.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_that_is_named_is_there() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        for section in Section::value_variants() {
            let page = section.page();
            let (file, heading) = page.split_once('#').unwrap();
            for file in [file.to_owned(), file.replace(".md", ".zh.md")] {
                let guide = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
                assert!(guide.contains(&format!("\n## {heading}\n")), "{file}: {heading}");
            }
        }
    }
}
