//! Resources and scopes on the wire: the headers of a group's records. Exempt from limits (conformance LIM-12).

use super::buffer::{FIELD_1, close, open, put_str, put_uint};
use super::unique::put_attributes;
use super::value::ValueLimits;
use crate::{InstrumentationScope, KeyValue};

/// `ResourceX.resource`, also when empty. The schema URL is a field of its own, behind the scopes.
pub(crate) fn put_resource(buf: &mut Vec<u8>, attributes: &[KeyValue]) {
    let message = open(buf, FIELD_1, 2);
    let discarded = put_attributes(buf, 0x0a, attributes, usize::MAX, ValueLimits::UNLIMITED);
    put_uint(buf, 0x10, discarded.into());
    close(buf, message);
}

/// `ScopeX.scope`, also when empty. The schema URL is a field of its own, behind the items.
pub(crate) fn put_scope(buf: &mut Vec<u8>, scope: &InstrumentationScope) {
    let message = open(buf, FIELD_1, 1);
    put_str(buf, 0x0a, &scope.name);
    put_str(buf, 0x12, &scope.version);
    let discarded = put_attributes(buf, 0x1a, &scope.attributes, usize::MAX, ValueLimits::UNLIMITED);
    put_uint(buf, 0x20, scope.dropped_attributes_count.saturating_add(discarded).into());
    close(buf, message);
}
