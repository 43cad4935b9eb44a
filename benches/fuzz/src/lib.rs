//! What the fuzz targets share: inputs that begin as something real.
//!
//! A random engine finds little in formats that refuse most bytes at once, so each target has seeds, recorded or written by
//! hand, and an input is one of them with some edits. Coverage-guided engines take the same inputs and get further.

use bolero::TypeGenerator;

/// An input: a seed, edited.
#[derive(Debug, Clone, TypeGenerator)]
pub struct Edited {
    seed: u8,
    edits: Vec<Edit>,
}

/// One change to some bytes.
#[derive(Debug, Clone, TypeGenerator)]
enum Edit {
    /// A byte becomes another one.
    Set(u16, u8),
    /// A byte comes in between.
    Insert(u16, u8),
    /// Bytes go.
    Remove(u16, u8),
    /// Bytes stand twice.
    Repeat(u16, u8),
    /// Everything from here on goes.
    Cut(u16),
    /// This comes last.
    Append(Vec<u8>),
}

impl Edited {
    /// The bytes, from one of `seeds` or from nothing.
    #[must_use]
    pub fn bytes(&self, seeds: &[&[u8]]) -> Vec<u8> {
        let seed = usize::from(self.seed) % (seeds.len() + 1);
        let mut bytes = seeds.get(seed).map(|seed| seed.to_vec()).unwrap_or_default();
        // The first few; an input with a hundred edits has nothing of its seed.
        for edit in self.edits.iter().take(8) {
            edit.apply(&mut bytes);
        }
        bytes
    }

    /// The same as text, with what is not UTF-8 replaced.
    #[must_use]
    pub fn text(&self, seeds: &[&str]) -> String {
        let seeds: Vec<&[u8]> = seeds.iter().map(|seed| seed.as_bytes()).collect();
        String::from_utf8_lossy(&self.bytes(&seeds)).into_owned()
    }
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u16| usize::from(at) % bytes.len().max(1);
        let range = |at: u16, length: u8| {
            let start = place(at);
            start..(start + usize::from(length)).min(bytes.len())
        };
        match self {
            Self::Set(at, byte) => {
                let at = place(*at);
                if let Some(place) = bytes.get_mut(at) {
                    *place = *byte;
                }
            }
            Self::Insert(at, byte) => bytes.insert(place(*at), *byte),
            Self::Remove(at, length) => drop(bytes.drain(range(*at, *length))),
            Self::Repeat(at, length) => {
                let range = range(*at, *length);
                let repeated = bytes.get(range.clone()).unwrap_or_default().to_vec();
                bytes.splice(range.start..range.start, repeated);
            }
            Self::Cut(at) => bytes.truncate(place(*at)),
            Self::Append(more) => bytes.extend_from_slice(more),
        }
    }
}
