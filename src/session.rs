//! Floor 4: render, unrender and recover as transactions. The only writer of targets.
