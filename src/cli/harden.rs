//! No core dumps: the memory of this process holds secrets for a moment (invariant 6).
//!
//! On Linux the process is also closed to debuggers of the same user. The limit is the soft one only, and a program
//! that `exec` starts gets back the limit we were given: it is not ours to change.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit on core dumps as it was before [`core_dumps_off`].
#[derive(Debug, Clone)]
pub(super) struct Hardened {
    #[cfg(unix)]
    before: Rlimit,
}

/// Turns core dumps off. What the system refuses is left as it is: a core dump is no reason not to work.
pub(super) fn core_dumps_off() -> Hardened {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
    #[cfg(unix)]
    {
        let before = getrlimit(Resource::Core);
        let hardened = Hardened { before };
        hardened.apply();
        hardened
    }
    #[cfg(not(unix))]
    Hardened {}
}

impl Hardened {
    /// Runs `spawn` under the limit we were given, so that a child inherits that one.
    pub(super) fn lifted<T>(&self, spawn: impl FnOnce() -> T) -> T {
        #[cfg(unix)]
        let _ = setrlimit(Resource::Core, self.before);
        let spawned = spawn();
        #[cfg(unix)]
        self.apply();
        spawned
    }

    /// Whether the system did it.
    pub(super) fn is_in_force(&self) -> bool {
        #[cfg(unix)]
        return getrlimit(Resource::Core).current == Some(0);
        #[cfg(not(unix))]
        true
    }

    #[cfg(unix)]
    fn apply(&self) {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: self.before.maximum });
    }
}
