//! Who uses a pool: without a queue that lives, idle memory has no use.
//!
//! Held by each queue's drain until the queue has ended.

use crate::pool::ChunkPool;
use crate::sync::lock;

/// One queue's use of a pool; the last that ends has the pool give its idle memory back.
#[derive(Debug)]
pub(crate) struct Membership {
    pool: ChunkPool,
}

impl Membership {
    pub(crate) fn new(pool: &ChunkPool) -> Self {
        {
            let mut state = lock(&pool.shared.state);
            state.members += 1;
            state.deserted = false;
        }
        Self { pool: pool.clone() }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let idle = {
            let mut state = lock(&self.pool.shared.state);
            state.members -= 1;
            if state.members > 0 {
                return;
            }
            state.deserted = true;
            state.idle_low = 0;
            state.held -= state.idle.len() * self.pool.shared.config.chunk_size;
            std::mem::take(&mut state.idle)
        };
        drop(idle);
    }
}
