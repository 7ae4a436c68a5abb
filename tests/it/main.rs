//! End-to-end tests: the examples and the `meshwright` binary as programs, checked by their output, their responses and
//! what they leave behind.
//!
//! Run them with `cargo test -p meshwright`: with `--test it`, Cargo does not build the examples.
//!
//! - `workdir`, `run`, `http`, `template`, `trace_timeline`: fixtures;
//! - `once_flag`, `serve`, `crash_recovery`, `signals`, `parallel_meshes`: the example serviceconnect, run;
//! - `problems`: what `up` says of a mesh in which not everything works;
//! - `task_lifecycle`: how tasks start, fail and stop;
//! - `output`: templates, diagrams and help; `exit_codes`;
//! - `check`: folders of templates; `corpus`: sets of templates as people have them;
//! - `template_files`, `hot_reload`: template files, and changes of them;
//! - `images`: the script that builds the container images;
//! - `translate`: Envoy configurations of nodes;
//! - `blue_green`, `demo_scenario`: the example bluegreen, its deployments and its demo scenario;
//! - `deadlines`, `tcp`: deadlines through Envoys; a TCP service;
//! - `load_balancers`: load balancers, and certificates of meshes and load balancers;
//! - `migrate`, `import`: stacks and meshes of App Mesh;
//! - `app_mesh`, `namespaces`: the example appmesh, foreign App Mesh templates, network namespaces;
//! - `api_client`, `mesh_caller`, `app_mesh_api`, `app_mesh_serve`: App Mesh's API, over a mesh that runs here and over a state file;
//! - `foreign_templates`, `foreign_networks`: templates of others, and what they find in their networks;
//! - `bad_input`, `bad_template`, `bad_container`, `bad_host`: invalid input and failing hosts.

mod api_client;
mod app_mesh;
mod app_mesh_api;
mod app_mesh_serve;
mod bad_container;
mod bad_host;
mod bad_input;
mod bad_template;
mod blue_green;
mod check;
mod corpus;
mod crash_recovery;
mod deadlines;
mod demo_scenario;
mod exit_codes;
mod foreign_networks;
mod foreign_templates;
mod hot_reload;
mod http;
mod images;
mod import;
mod load_balancers;
mod mesh_caller;
mod migrate;
mod namespaces;
mod once_flag;
mod output;
mod page;
mod parallel_meshes;
mod problems;
mod publish;
mod run;
mod running;
mod serve;
mod signals;
mod stacks;
mod task_lifecycle;
mod tcp;
mod template;
mod template_files;
mod trace_timeline;
mod translate;
mod vocabulary;
mod workdir;
