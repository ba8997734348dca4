//! Numbers from fuzzer bytes: every byte string is a valid sequence of choices, and after its end comes zero.

/// Reads choices from the front of a byte slice.
pub struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Choices made by `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether there is nothing left to choose by.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// A number below `bound`, which is at most 65,536.
    pub fn below(&mut self, bound: u32) -> u32 {
        let wide = if bound <= 256 {
            self.byte().into()
        } else {
            u32::from(self.byte()) << 8 | u32::from(self.byte())
        };
        wide % bound.max(1)
    }

    /// One of these.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u32) as usize]
    }

    /// Mostly a number below `usual`; sometimes one of those at which arithmetic breaks.
    pub fn amount(&mut self, usual: u32) -> u64 {
        match self.byte() {
            0..=239 => self.below(usual).into(),
            240..=243 => u64::MAX >> (self.byte() % 64),
            244..=247 => 1 << (self.byte() % 64),
            _ => u64::from(self.byte()) << 56 | u64::from(self.below(65_536)),
        }
    }

    /// The next `count` bytes, or as many as are left.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }
}
