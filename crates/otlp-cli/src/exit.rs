//! How a subcommand ends, and what the shell is told.
//!
//! Used by `main` and every `run`, and by whoever has to warn. Never ends the process itself: destructors run, the client's last words are heard.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The result of a subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well: 0.
    Fine,
    /// Something failed, or was lost: 1.
    Failed,
    /// The command line asks for what can't be: 2.
    Usage,
}

/// Why a subcommand could not do its work.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// A file, the network, or data that is no good; the text says which.
    Failed(String),
    /// An option with a value that can't work.
    Usage(String),
    /// Whoever reads the output has gone, as `head` does when it has seen enough.
    NobodyReads,
}

impl Exit {
    /// Tells the trouble on standard error.
    pub(crate) fn because(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failed(text) => {
                complain(&format_args!("error: {text}"));
                Self::Failed
            }
            Trouble::Usage(text) => {
                complain(&format_args!("error: {text}\n\nFor more information, try '--help'."));
                Self::Usage
            }
            Trouble::NobodyReads => Self::Fine,
        }
    }

    /// The same, when the work has been done and `printed` is what became of telling it: whoever did not read to the end has
    /// the exit code all the same.
    pub(crate) fn though(self, printed: io::Result<()>) -> Result<Self, Trouble> {
        match printed.map_err(Trouble::from) {
            Ok(()) | Err(Trouble::NobodyReads) => Ok(self),
            Err(trouble) => Err(trouble),
        }
    }
}

/// A line on standard error. Who has closed it misses the line, and nothing else: `eprintln!` would panic.
pub(crate) fn complain(line: &impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
        })
    }
}

impl From<io::Error> for Trouble {
    /// For what is written to standard output; errors of files are told with their names.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Failed(error.to_string()),
        }
    }
}
