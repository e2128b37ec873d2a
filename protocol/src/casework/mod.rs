//! Level 4: from a hit to a family. What each side shows the other, in which order, and what binds it to what it showed.

pub mod commitment;
