//! The control plane on AWS, with MiniStack as the account and real Envoys.
//!
//! Reading order:
//! - `account`: Parameter Store and Cloud Map, and what a test puts there;
//! - `faults`: what stands between the control plane and the account, and fails as it is told;
//! - `fleet`: a control plane that follows the account, and tasks at addresses of their own;
//! - `follows`: what is written and registered is what Envoys do;
//! - `outages`: whatever becomes of the account, requests flow, and the status page says what is wrong;
//! - `acknowledges`: deploy tools learn when all Envoys have it;
//! - `program`: all of it as a process.

mod account;
mod acknowledges;
mod faults;
mod fleet;
mod follows;
mod outages;
mod program;
