//! Floor 3: effects.
