//! Help, manual pages, completions, and the exit code of a command line that is wrong.

use crate::support::run;

#[test]
fn help_names_every_subcommand() {
    let said = run(&["--help"]);
    assert_eq!(said.code, Some(0));
    for subcommand in ["doctor", "decode", "send", "load", "serve", "tail", "completions", "man"] {
        assert!(said.out.contains(&format!("\n  {subcommand}")), "{}", said.out);
        let help = run(&[subcommand, "--help"]);
        assert!(help.code == Some(0) && help.out.contains("Usage: otlp"), "{help:?}");
    }
}

#[test]
fn pages_and_completions_are_made() {
    let page = run(&["man"]);
    assert!(page.code == Some(0) && page.out.contains(".TH otlp 1"), "{page:?}");
    assert!(run(&["man", "decode"]).out.contains("otlp\\-decode"));
    // Every page that is named is there, and no other.
    assert!(page.out.contains("otlp\\-serve(1)") && !page.out.contains("otlp\\-help"), "{}", page.out);
    for subcommand in ["nonsense", "help"] {
        assert_eq!(run(&["man", subcommand]).code, Some(2), "{subcommand}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = run(&["completions", shell]);
        assert!(said.code == Some(0) && said.out.contains("decode"), "{shell}: {said:?}");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    for arguments in [&["nonsense"][..], &["decode", "--nonsense"], &["decode", "--signal", "x"], &[]] {
        let said = run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}");
    }
}
