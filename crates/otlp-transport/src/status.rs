//! What receivers say about failure, decoded from header values: gRPC status, message and details, and `Retry-After`.
//!
//! Used by the terminals. Pure: the clock is an argument, any bytes are fine as input and nothing here panics or
//! returns an error, because a status must not be lost over the decoration around it (conformance GRPC-09, GRPC-10).

/// The longest server message kept, in bytes: enough to read, too little to flood a log with.
pub(crate) const MESSAGE_LIMIT: usize = 1024;

/// `text` without control characters and no longer than [`MESSAGE_LIMIT`].
pub(crate) fn printable(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(MESSAGE_LIMIT));
    for c in text.trim().chars() {
        let c = if c.is_control() { ' ' } else { c };
        if kept.len() + c.len_utf8() > MESSAGE_LIMIT {
            kept.push('…');
            break;
        }
        kept.push(c);
    }
    kept
}
