//! One batch on its way to the service.

use otlp_model::{GroupId, Record, Records};

/// Records taken from a queue: what the service is called with.
#[derive(Debug)]
pub struct Batch(());

impl Records for Batch {
    fn items(&self) -> u64 {
        todo!()
    }

    fn bytes(&self) -> usize {
        todo!()
    }

    fn for_each_run(&self, visit: &mut dyn FnMut(GroupId, u64, &[u8])) {
        let _ = visit;
        todo!()
    }
}

/// A batch of records outside any pool, for tests of services.
impl From<Vec<Record>> for Batch {
    fn from(records: Vec<Record>) -> Self {
        let _ = records;
        todo!()
    }
}
