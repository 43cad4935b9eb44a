//! How much of a span or log record is kept.
//!
//! Read by the wire writer as values are set. Resources, scopes and metrics are exempt (conformance LIM-12), a log
//! body too (LIM-13). Never reads the environment: the facade does that.

/// Bounds on attributes, events and links. What exceeds them is discarded or truncated, and every discarded
/// attribute, event or link is counted in the record (conformance LIM-10).
///
/// A limit of 0 is valid: nothing is kept, or texts are truncated to nothing (LIM-14).
///
/// ```
/// use otlp_model::Limits;
/// let limits = Limits { attribute_value_length: Some(4_096), ..Limits::default() };
/// assert_eq!(limits.attribute_count, 128);
/// assert_eq!(limits.attribute_value_depth, 64);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attributes of one span or log record; default 128. Setting a key again at the limit is allowed (LIM-04), and
    /// entries of nested values do not count (LIM-05).
    pub attribute_count: usize,
    /// Characters of a text and bytes of a byte array, also inside arrays and maps; default unlimited (LIM-06).
    pub attribute_value_length: Option<usize>,
    /// How deep arrays and maps may nest; default 64. The attribute's own value is at depth 1; an array or map
    /// deeper than the limit becomes an empty value (LIM-07). Above [`Limits::MAX_DEPTH`] it means that.
    ///
    /// Receivers written with prost, C++ or Java refuse a request with more than 100 messages in each other, and a map in
    /// a map takes three of them: where such values occur, 30 is the most that these read.
    pub attribute_value_depth: usize,
    /// Events of one span; default 128 (LIM-09). The newest are discarded (DEC-18).
    pub events: usize,
    /// Links of one span; default 128 (LIM-09). The newest are discarded (DEC-18).
    pub links: usize,
    /// Attributes of one event; default 128 (LIM-09).
    pub attributes_per_event: usize,
    /// Attributes of one link; default 128 (LIM-09).
    pub attributes_per_link: usize,
}

impl Limits {
    /// The depth below which nothing is written, also where no limit applies: an array or map deeper than this
    /// becomes an empty value. Common protobuf decoders refuse such messages, and it keeps the stack bounded.
    pub const MAX_DEPTH: usize = 256;

    /// No limits, except [`Limits::MAX_DEPTH`]: what metrics, resources and scopes are written with.
    pub const UNLIMITED: Self = Self {
        attribute_count: usize::MAX,
        attribute_value_length: None,
        attribute_value_depth: Self::MAX_DEPTH,
        events: usize::MAX,
        links: usize::MAX,
        attributes_per_event: usize::MAX,
        attributes_per_link: usize::MAX,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attribute_count: 128,
            attribute_value_length: None,
            attribute_value_depth: 64,
            events: 128,
            links: 128,
            attributes_per_event: 128,
            attributes_per_link: 128,
        }
    }
}
