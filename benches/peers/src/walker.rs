//! Counts the items of an OTLP request by walking its wire format: nothing is decoded, and nothing is allocated per item.
//!
//! Requests of traces and of logs have the same shape: field 1 of the request are resources, field 2 of those scopes,
//! field 2 of those the items. All else is skipped by its length. Used by the sink; fed in pieces as they arrive.

/// A walk over one request.
#[derive(Debug, Default)]
pub struct Walker {
    items: u64,
    offset: u64,
    /// Where the messages end that were gone into, outermost first.
    ends: [u64; 2],
    depth: usize,
    skip: u64,
    varint: u64,
    shift: u32,
    expect: Expect,
}

#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Expect {
    #[default]
    Tag,
    Length {
        field: u64,
    },
    Varint,
}

/// What an item in its scope begins with, before its length.
const ITEM: u8 = 0x12;

/// The bytes are no such request.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl Walker {
    /// Goes on with the next bytes.
    ///
    /// # Errors
    ///
    /// If they can't be what comes next.
    pub fn feed(&mut self, mut data: &[u8]) -> Result<(), Malformed> {
        loop {
            self.whole_items(&mut data);
            if data.is_empty() {
                return Ok(());
            }
            if self.skip > 0 {
                let length = data.len().min(usize::try_from(self.skip).unwrap_or(usize::MAX));
                data = &data[length..];
                self.skip -= length as u64;
                self.offset += length as u64;
                continue;
            }
            let byte = data[0];
            data = &data[1..];
            self.offset += 1;
            if self.shift > 63 {
                return Err(Malformed);
            }
            self.varint |= u64::from(byte & 0x7f) << self.shift;
            self.shift += 7;
            if byte < 0x80 {
                let value = std::mem::take(&mut self.varint);
                self.shift = 0;
                self.number(value)?;
            }
        }
    }

    /// Passes over the items that lie there whole, one behind the other, as nearly all do. What ends here or otherwise is left.
    fn whole_items(&mut self, data: &mut &[u8]) {
        if self.depth < 2 || self.expect != Expect::Tag || self.skip > 0 || self.shift > 0 {
            return;
        }
        // Less than to the end of the scope, which is to be noticed.
        while let [ITEM, low, high, ..] = **data {
            let (head, length) = match (low < 0x80, high < 0x80) {
                (true, _) => (2, usize::from(low)),
                (false, true) => (3, usize::from(low & 0x7f) | usize::from(high) << 7),
                (false, false) => return,
            };
            let end = self.offset + (head + length) as u64;
            let Some(rest) = data.get(head + length..).filter(|_| end < self.ends[1]) else { return };
            (*data, self.offset) = (rest, end);
            self.items += 1;
        }
    }

    /// How many items there were.
    ///
    /// # Errors
    ///
    /// If the request ends in the middle of something.
    pub fn finish(mut self) -> Result<u64, Malformed> {
        self.ascend()?;
        let whole = self.skip == 0 && self.shift == 0 && self.expect == Expect::Tag && self.depth == 0;
        whole.then_some(self.items).ok_or(Malformed)
    }

    fn number(&mut self, value: u64) -> Result<(), Malformed> {
        match self.expect {
            Expect::Tag => {
                match value & 7 {
                    0 => self.expect = Expect::Varint,
                    1 => self.skip = 8,
                    2 => self.expect = Expect::Length { field: value >> 3 },
                    5 => self.skip = 4,
                    _ => return Err(Malformed),
                }
                if self.skip > 0 { self.ends_after_skip() } else { Ok(()) }
            }
            Expect::Varint => {
                self.expect = Expect::Tag;
                self.ascend()
            }
            Expect::Length { field } => {
                self.expect = Expect::Tag;
                let descend = self.depth < 2 && field == [1, 2][self.depth];
                if descend {
                    let end = self.offset.checked_add(value).ok_or(Malformed)?;
                    if self.depth > 0 && end > self.ends[self.depth - 1] {
                        return Err(Malformed);
                    }
                    self.ends[self.depth] = end;
                    self.depth += 1;
                    return self.ascend();
                }
                self.items += u64::from(self.depth == 2 && field == 2);
                self.skip = value;
                self.ends_after_skip()
            }
        }
    }

    /// What is about to be skipped must fit, and may end the messages around it.
    fn ends_after_skip(&mut self) -> Result<(), Malformed> {
        let end = self.offset.checked_add(self.skip).ok_or(Malformed)?;
        self.close(end)
    }

    fn ascend(&mut self) -> Result<(), Malformed> {
        self.close(self.offset)
    }

    fn close(&mut self, at: u64) -> Result<(), Malformed> {
        while self.depth > 0 && at >= self.ends[self.depth - 1] {
            if at > self.ends[self.depth - 1] {
                return Err(Malformed);
            }
            self.depth -= 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(field: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![field << 3 | 2];
        let mut length = content.len();
        while length >= 128 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(content);
        out
    }

    /// Two resources; three scopes with 3, 0 and 2 items, and other fields of every wire type between them.
    fn request() -> Vec<u8> {
        let item = message(2, &[b'x'; 300]);
        let others = [&[0x18, 0x80, 0x01][..], &[0x21, 1, 2, 3, 4, 5, 6, 7, 8], &[0x2d, 1, 2, 3, 4]].concat();
        let scope =
            |items: usize| message(2, &[message(1, b"scope"), item.repeat(items), others.clone()].concat());
        let one = message(1, &[message(1, b"resource"), scope(3), scope(0), message(3, b"url")].concat());
        let other = message(1, &[scope(2), others.clone()].concat());
        [one, message(1, b""), other].concat()
    }

    #[test]
    fn items_are_counted_however_the_bytes_are_cut() {
        let bytes = request();
        for size in 1..=bytes.len() {
            let mut walker = Walker::default();
            bytes.chunks(size).for_each(|piece| walker.feed(piece).unwrap());
            assert_eq!(walker.finish(), Ok(5), "in pieces of {size}");
        }
        assert_eq!(Walker::default().finish(), Ok(0));
    }

    #[test]
    fn what_ends_early_is_malformed() {
        let bytes = request();
        let whole = |end: usize| {
            let mut walker = Walker::default();
            walker.feed(&bytes[..end]).and_then(|()| walker.finish())
        };
        let complete = (0..=bytes.len()).filter(|&end| whole(end).is_ok()).count();
        assert_eq!(complete, 4, "nothing, and after each of the three resources");
        assert_eq!(Walker::default().feed(&[0x0b]), Err(Malformed));
        assert_eq!(Walker::default().feed(&[0x0a, 4, 0x12, 9]), Err(Malformed), "larger than what it is in");
    }
}
