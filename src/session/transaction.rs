//! Several targets as one act: all are looked at and all secrets are asked for at once, and nothing is written unless every
//! target can be rendered. What was rendered before one fails is taken back.

use super::grants::Kept;
use super::job::Job;
use super::render::{Filling, Looked, RenderOptions, Rendered};
use super::values::wanted;
use super::{Release, Session, SessionError, Target};
use crate::template::Reference;

/// Targets that can all be rendered, with the values to fill in.
pub struct Transaction<'j> {
    session: &'j Session<'j>,
    ready: Vec<(&'j Job<'j>, Filling)>,
}

/// Everything that keeps targets from being rendered.
#[derive(Debug)]
pub struct Failures {
    /// What was found first.
    pub first: SessionError,
    /// The rest.
    pub others: Vec<SessionError>,
}

impl Session<'_> {
    /// Opens all of these targets.
    ///
    /// # Errors
    /// As [`Self::open`], for each target.
    pub fn open_all<'s>(&'s self, targets: &'s [Target]) -> Result<Vec<Job<'s>>, Failures> {
        all(targets.iter().map(|target| self.open(target)))
    }

    /// Looks at all of these targets, and asks the stores for everything they need over one connection. Writes to none of
    /// the targets.
    ///
    /// # Errors
    /// Why each target can't be rendered that can't be, or all secrets that are missing.
    pub fn prepare<'j>(&'j self, jobs: &'j [Job<'j>]) -> Result<Transaction<'j>, Failures> {
        let looked = all(jobs.iter().map(|job| job.look(jobs.len() == 1)))?;
        if jobs.len() > 1 {
            self.ask_for(&looked);
        }
        let filling = all(jobs.iter().zip(looked).map(|(job, looked)| job.filling(looked)))?;
        Ok(Transaction { session: self, ready: jobs.iter().zip(filling).collect() })
    }

    /// Asks for all values at once, which the stores are not asked for again then.
    fn ask_for(&self, looked: &[Looked]) {
        let kept: Vec<Option<&Kept>> = looked.iter().map(|looked| looked.kept.as_deref()).collect();
        let of = |(looked, kept): (&Looked, &Option<&Kept>)| -> Vec<Reference> {
            wanted(&looked.in_file, kept.map(Kept::claimed).as_ref()).into_iter().cloned().collect()
        };
        let asked: Vec<Reference> = looked.iter().zip(&kept).flat_map(of).collect();
        self.ask_with(&asked, looked.iter().any(|looked| looked.starts), &|provided, keys| {
            !self.guarded || (self.may_run(keys) && kept.iter().flatten().any(|kept| kept.wants(provided, keys)))
        });
    }

    /// Asks the stores for the keys that say what was allowed for these targets, but runs no declared command: whether it
    /// may is yet to be asked.
    ///
    /// # Errors
    /// [`SessionError::Grants`].
    pub fn ask_keys_for(&self, jobs: &[Job<'_>]) -> Result<(), SessionError> {
        let mut asked: Vec<Reference> = Vec::new();
        for job in jobs {
            let claimed = job.kept()?.map(|kept| kept.claimed());
            asked.extend(wanted(&job.blueprint, claimed.as_ref()).into_iter().cloned());
        }
        self.ask_with(&asked, false, &|_, _| false);
        Ok(())
    }
}

impl Transaction<'_> {
    /// Renders all targets, in order.
    ///
    /// # Errors
    /// The first [`SessionError`]; all targets are as they were then.
    pub fn render(self, options: &RenderOptions) -> Result<Vec<Rendered>, SessionError> {
        let mut done: Vec<Rendered> = Vec::new();
        let mut newly_held = Vec::new();
        for (job, filling) in self.ready {
            match job.fill(filling, options) {
                Ok(rendered) => {
                    newly_held.extend(rendered.is_new_holder.then_some(&job.target.path));
                    done.push(rendered);
                }
                Err(error) => {
                    for path in newly_held {
                        // If this fails too, the journal keeps what is owed, and `recover` or `unrender` pays it.
                        let _ = self.session.unrender(path, &Release::Holder(options.holder.clone()));
                    }
                    return Err(error);
                }
            }
        }
        Ok(done)
    }
}

/// All of it, or everything that is wrong.
fn all<T>(results: impl Iterator<Item = Result<T, SessionError>>) -> Result<Vec<T>, Failures> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    let mut errors = errors.into_iter();
    match errors.next() {
        None => Ok(found),
        Some(first) => Err(Failures { first, others: errors.collect() }),
    }
}
