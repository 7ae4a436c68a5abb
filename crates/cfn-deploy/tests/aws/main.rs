//! Integration tests against MiniStack, and against scripted responses for behaviour that MiniStack lacks.

mod cloud_map_leftovers;
mod comparing;
mod connection;
mod creating;
mod destroying;
mod drifting;
mod example_templates;
mod failing;
mod fault_per_call;
mod fixture;
mod images;
mod importing;
mod ministack;
mod ownership;
mod pinning;
mod public_api;
mod quotas;
mod recording_observer;
mod scripted;
mod updating;
mod uploading;
mod waiting;
