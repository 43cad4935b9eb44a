//! Headers that users and layers add to requests: which are allowed, and the error of one that is not.

use crate::metadata::is_of_name;
use std::error::Error;
use std::fmt;

/// A header that cannot be sent. Says its name and what is wrong, never its value (HDR-09), nor what stands in the place of
/// the name behind a character that no name has: it may be a line with both, as in `authorization: Bearer …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidHeader {
    name: String,
    problem: &'static str,
}

impl InvalidHeader {
    pub(crate) fn new(name: &str, problem: &'static str) -> Self {
        let name = name.chars().take_while(|char| u8::try_from(*char).is_ok_and(is_of_name));
        Self { name: name.take(64).collect(), problem }
    }

    /// The header's name, up to the first character that no name has.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the header {:?} cannot be sent: {}", self.name, self.problem)
    }
}

impl Error for InvalidHeader {}

/// Checks a header that a user wants on every request, so that a mistake shows when options are read, not when data
/// are sent.
///
/// Allowed are names and values that both HTTP and gRPC carry: not the headers that frame a request (`content-type`,
/// `content-length`, `content-encoding`, `te`, `host`, `grpc-*`, `connection` and its like; HDR-08, GRPC-11), values
/// in printable ASCII, and base64 for names that end in `-bin` (GRPC-11). A `user-agent` is allowed and put before our
/// own (UA-02). The terminals check headers again, because layers may add some per request.
///
/// ```
/// use otlp_transport::check_header;
/// assert!(check_header("authorization", "Bearer abc").is_ok());
/// let error = check_header("Content-Type", "text/plain").unwrap_err();
/// assert_eq!(error.to_string(), "the header \"Content-Type\" cannot be sent: the exporter sets it itself");
/// ```
///
/// # Errors
/// [`InvalidHeader`], which says what is wrong.
pub fn check_header(name: &str, value: &str) -> Result<(), InvalidHeader> {
    crate::metadata::user_header(name, value).map(drop)
}
