//! Values that must not print: personal data and secrets.
//!
//! `Debug` shows the type's presence only, the memory is wiped on drop, and reading needs the word `expose`, which a
//! reviewer can search for.

use core::fmt;

use zeroize::Zeroize;

/// A value that is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the one use that needs it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value, to change it in place.
    pub const fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize + Default> Sensitive<T> {
    /// Takes the value out; the caller answers for it.
    #[must_use]
    pub fn into_exposed(mut self) -> T {
        core::mem::take(&mut self.0)
    }
}

impl From<&str> for Sensitive<String> {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> Zeroize for Sensitive<T> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sensitive]")
    }
}

impl<C, T: Zeroize + minicbor::Encode<C>> minicbor::Encode<C> for Sensitive<T> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode(e, ctx)
    }
}

impl<'b, C, T: Zeroize + minicbor::Decode<'b, C>> minicbor::Decode<'b, C> for Sensitive<T> {
    fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        T::decode(d, ctx).map(Self)
    }
}

/// For answers that a person is meant to read: `#[serde(with = "sensitive::reveal")]` on the field says so where a reviewer sees it.
pub mod reveal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use zeroize::Zeroize;

    use super::Sensitive;

    /// Writes the value itself.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer, T: Zeroize + Serialize>(value: &Sensitive<T>, s: S) -> Result<S::Ok, S::Error> {
        value.expose().serialize(s)
    }

    /// Reads the value itself.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>, T: Zeroize + Deserialize<'de>>(d: D) -> Result<Sensitive<T>, D::Error> {
        T::deserialize(d).map(Sensitive::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensitive_value_does_not_print() {
        let name: Sensitive<String> = "Hussein Ali".into();
        assert_eq!(format!("{name:?}"), "[sensitive]");
    }
}
