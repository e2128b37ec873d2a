//! Lists that cannot grow past a named limit.

use core::ops::Deref;

use thiserror::Error;

/// A list was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{found} items, at most {limit}")]
pub struct TooMany {
    /// Most items.
    pub limit: usize,
    /// Items that were offered.
    pub found: usize,
}

/// At most `N` items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundedVec<T, const N: usize>(Vec<T>);

impl<T, const N: usize> BoundedVec<T, N> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends one item.
    ///
    /// # Errors
    /// [`TooMany`] when the list is full; the item is dropped.
    pub fn push(&mut self, item: T) -> Result<(), TooMany> {
        if self.0.len() >= N {
            return Err(TooMany { limit: N, found: self.0.len() + 1 });
        }
        self.0.push(item);
        Ok(())
    }

    /// Takes the items out.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const N: usize> Default for BoundedVec<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> TryFrom<Vec<T>> for BoundedVec<T, N> {
    type Error = TooMany;
    fn try_from(items: Vec<T>) -> Result<Self, TooMany> {
        if items.len() > N { Err(TooMany { limit: N, found: items.len() }) } else { Ok(Self(items)) }
    }
}

impl<T, const N: usize> Deref for BoundedVec<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_list_refuses_one_more() {
        let mut list = BoundedVec::<u8, 1>::new();
        assert!(list.push(1).is_ok());
        assert_eq!(list.push(2), Err(TooMany { limit: 1, found: 2 }));
    }
}
