//! One part on one engine: what it is given.

use std::path::Path;

use super::chance::Chance;
use crate::run::Run;

/// What a part is given.
pub struct Case<'a> {
    /// Its folder and its programs.
    pub run: &'a Run,
    /// The repository.
    pub root: &'a Path,
    /// The product's program.
    pub program: &'a Path,
    /// The part's name, for folders and the visitors' pages.
    pub part: &'static str,
    /// Which database.
    pub engine: Engine,
    /// How often to hurt the server.
    pub times: usize,
    /// All its chance.
    pub chance: Chance,
}

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// As in `--engine`.
    pub const fn word(self) -> &'static str {
        match self {
            Engine::Sqlite => "sqlite",
            Engine::Postgres => "postgres",
        }
    }
}
