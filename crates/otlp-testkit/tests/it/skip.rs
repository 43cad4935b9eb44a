//! What a skipped test says, seen from outside: of this binary, started once more.

use std::process::Command;

#[test]
#[ignore = "not a test by itself: one that passes without having checked anything"]
fn checks_nothing() {
    eprintln!("captured");
    otlp_testkit::skipped("the moon", "it is new");
}

#[test]
fn a_test_that_passes_and_is_not_asked_for_its_output_says_that_it_checked_nothing() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "skip::checks_nothing", "--ignored"])
        .env_remove("RUST_TEST_NOCAPTURE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "!!! SKIPPED, NOT CHECKED: the moon: it is new\n");
}
