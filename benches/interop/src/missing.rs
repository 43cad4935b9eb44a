//! Why a counterpart is not there: it cannot be had on this machine, or it could be, and making it failed.
//!
//! Used by tools, which get counterparts, and by these, which skip for the one and fail for the other. Pure: knows how Go and pip
//! say that there is no network, and takes whatever else they say for a failure.

use crate::Failure;
use std::io;

/// How Go and pip say that nothing can be fetched from here.
const NO_NETWORK: [&str; 14] = [
    // Go: every connection that does not come about, also one to a proxy, or to who knows names.
    "dial tcp",
    "dial udp",
    "i/o timeout",
    "TLS handshake timeout",
    "connection reset by peer",
    "module lookup disabled by GOPROXY=off",
    // pip, by way of urllib3.
    "connection broken by",
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "Connection aborted",
    "Read timed out",
];
/// How pip says that its index has nothing for this machine; also how it ends when it has reached no index.
const NO_WHEEL: &str = "(from versions: none)";
/// How pip begins to tell what it tries again: it may have succeeded then.
const WARNING: &str = "WARNING:";

/// Either.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A tool is not installed, or there is no network: no failure of anything here.
    Unavailable(String),
    /// All there is to it is here, and it failed.
    Broken(String),
}

impl Missing {
    /// What a command that fetches and makes something has failed for, by all of what it said.
    pub(crate) fn judge(failure: &str, said: &[String]) -> Self {
        let no_network = |line: &String| NO_NETWORK.iter().any(|mark| line.contains(mark));
        let (warnings, errors): (Vec<&String>, Vec<&String>) =
            said.iter().partition(|line| line.starts_with(WARNING));
        let no_wheel = errors.iter().any(|line| line.contains(NO_WHEEL));
        if errors.iter().copied().any(no_network) || no_wheel && warnings.iter().copied().any(no_network) {
            return Self::Unavailable(format!("it cannot be fetched from here: {failure}"));
        }
        if no_wheel {
            return Self::Unavailable(format!("there is no wheel for this machine: {failure}"));
        }
        Self::Broken(failure.to_owned())
    }
}

impl From<Failure> for Missing {
    fn from(failure: Failure) -> Self {
        Self::Broken(failure.to_string())
    }
}

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(said: &str) -> Missing {
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        Missing::judge("it failed", &said)
    }

    /// What they said where there was no network, no proxy, no name server, or nothing was to be fetched.
    #[test]
    fn what_cannot_be_fetched_is_unavailable() {
        for said in [
            r#"go: m@v1: m@v1: Get "https://proxy.golang.org/m/@v/v1.info": dial tcp: lookup proxy.golang.org on 10.0.0.1:53: no such host"#,
            r#"go: m@v1: m@v1: Get "https://proxy.golang.org/m/@v/v1.info": proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused"#,
            "go: downloading m v1\nmain.go:2:8: m@v1: Get \"https://proxy.golang.org/m/@v/v1.zip\": dial tcp: lookup proxy.golang.org on 10.0.0.1:53: dial udp 10.0.0.1:53: connect: network is unreachable",
            "go: m@v1: module lookup disabled by GOPROXY=off",
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/m/\n\
             ERROR: Could not find a version that satisfies the requirement m==1 (from versions: none)\nERROR: No matching distribution found for m==1",
            "ERROR: Could not install packages due to an OSError: HTTPSConnectionPool(host='files.pythonhosted.org', port=443): Read timed out.",
        ] {
            let expected = Missing::Unavailable("it cannot be fetched from here: it failed".to_owned());
            assert_eq!(judge(said), expected, "{said}");
        }
        let said =
            "ERROR: Could not find a version that satisfies the requirement m==1 (from versions: none)";
        assert_eq!(
            judge(said),
            Missing::Unavailable("there is no wheel for this machine: it failed".to_owned())
        );
    }

    #[test]
    fn whatever_else_goes_wrong_is_a_failure() {
        for said in [
            "",
            "# interop/otelcol\n./main.go:2:15: undefined: x",
            "go: downloading m v1\ngo: m@v9: reading https://proxy.golang.org/m/@v/v9.info: 404 Not Found\n\tserver response: not found: m@v9: invalid version: unknown revision v9",
            "verifying m@v1: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum: h1:b\n\nSECURITY ERROR",
            "compile: writing output: write $WORK/b001/_pkg_.a: no space left on device",
            "ERROR: Could not find a version that satisfies the requirement m==9 (from versions: 1, 2)\nERROR: No matching distribution found for m==9",
            "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.",
            // It was tried again, and then there was a network.
            "WARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError(\"Read timed out.\")': /simple/m/\n\
             ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        ] {
            assert_eq!(judge(said), Missing::Broken("it failed".to_owned()), "{said}");
        }
    }
}
