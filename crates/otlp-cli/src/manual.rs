//! `otlp completions` and `otlp man`: what a package installs beside the binary.
//!
//! Both are made from the definition of the command line, so that they can't say anything else than it does.

use crate::Cli;
use crate::exit::{Exit, Trouble};
use clap::{Args, CommandFactory};
use std::io::Write;

/// Print the completions for a shell.
///
/// For example `otlp completions bash > /etc/bash_completion.d/otlp`.
#[derive(Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Print the manual page, in roff.
///
/// For example `otlp man > /usr/local/share/man/man1/otlp.1`, or `otlp man | man -l -`. With a subcommand's name, its page.
#[derive(Args)]
pub(crate) struct Man {
    /// The subcommand whose page it is to be; without, the page of `otlp` itself.
    subcommand: Option<String>,
}

pub(crate) fn completions(options: &Completions) -> Result<Exit, Trouble> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "otlp", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(Exit::Fine)
}

pub(crate) fn man(options: &Man) -> Result<Exit, Trouble> {
    // `help` has no page: it shows those of the others.
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let page = match &options.subcommand {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(found) => found.clone(),
            None => return Err(Trouble::Usage(format!("there is no subcommand {name:?}"))),
        },
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    std::io::stdout().write_all(&text)?;
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
