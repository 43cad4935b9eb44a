//! Which of a service's processes this is.

use super::{resource, text};
use otlp_model::Resource;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, PoisonError};

/// `service.instance.id`: a random UUID, the same for every client of this process (conformance RES-13), and another one in a fork of
/// it.
///
/// ```
/// assert_eq!(otlp::detect::service_instance(), otlp::detect::service_instance());
/// ```
#[must_use]
pub fn service_instance() -> Resource {
    static ID: Mutex<Option<(u32, String)>> = Mutex::new(None);
    let pid = std::process::id();
    let mut known = ID.lock().unwrap_or_else(PoisonError::into_inner);
    let id = match &*known {
        Some((of, id)) if *of == pid => id.clone(),
        _ => {
            // Its keys are the system's randomness; a fork has the same, and another process id.
            let state = RandomState::new();
            let draw = |word: u8| {
                let mut hasher = state.build_hasher();
                hasher.write_u32(pid);
                hasher.write_u8(word);
                hasher.finish()
            };
            known.insert((pid, uuid(u128::from(draw(0)) << 64 | u128::from(draw(1))))).1.clone()
        }
    };
    drop(known);
    resource([("service.instance.id", text(id))])
}

/// Version 4, of the variant of RFC 9562.
fn uuid(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::AnyValue;

    #[test]
    fn ids_are_uuids_of_version_4() {
        // conf: RES-13
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let Some(AnyValue::String(id)) = service_instance().get("service.instance.id").cloned() else {
            panic!("no id")
        };
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
    }
}
