//! Futures, as the core sees them: the life of one (`state`), its native part (`body`), how it is
//! run and ended (`run`), what is done when it ends (`callback`) and the list of that (`entries`),
//! what few have (`extra`), how the queue gives them up (`give_back`, `returns`), where their
//! memory goes (`recycle`), failures that nobody looks at (`lost`).

#[cfg(not(loom))]
pub mod body;
#[cfg(not(loom))]
pub mod callback;
pub mod entries;
#[cfg(not(loom))]
pub mod extra;
#[cfg(not(loom))]
pub mod give_back;
#[cfg(not(loom))]
pub mod lost;
#[cfg(not(loom))]
pub mod recycle;
pub mod returns;
#[cfg(not(loom))]
pub mod run;
pub mod state;
