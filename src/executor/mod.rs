//! Executors, as the core sees them: a scope that tasks belong to.

pub mod scope;
