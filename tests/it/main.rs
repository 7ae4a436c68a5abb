//! Meshwright as its users meet it: the example and the `meshwright` binary are started as programs, and judged
//! by what they print, what they answer and what they leave behind.
//!
//! Run them by `cargo test -p meshwright`: with `--test it`, Cargo neither builds nor renews the example.
//!
//! - `workdir`, `run`, `http`, `template`, `golden`, `waterfall`: what the tests are written with;
//! - `once`, `staying`, `killed`, `signals`, `side_by_side`: the example, run;
//! - `lives`: how tasks start, fail and end;
//! - `printed`: its template and its picture;
//! - `file`: templates in files;
//! - `images`: how the project's own container images are built;
//! - `translate`: what their nodes' Envoys would be told;
//! - `blue_green`, `demo_scenario`: deployments of the example bluegreen, and its demo scenario;
//! - `deadlines`, `tcp`: how long a caller waits, told through Envoys; and a service that does not speak HTTP;
//! - `app_mesh`: the example appmesh, and templates of App Mesh that others wrote;
//! - `bad_input`, `bad_template`, `bad_container`, `bad_machine`: everything that can be wrong.

mod app_mesh;
mod bad_container;
mod bad_host;
mod bad_input;
mod bad_template;
mod blue_green;
mod crash_recovery;
mod deadlines;
mod demo_scenario;
mod exit_codes;
mod golden;
mod hot_reload;
mod http;
mod images;
mod namespaces;
mod once_flag;
mod output;
mod parallel_meshes;
mod run;
mod serve;
mod signals;
mod task_lifecycle;
mod tcp;
mod template;
mod template_files;
mod trace_timeline;
mod translate;
mod workdir;
