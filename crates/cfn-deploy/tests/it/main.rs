//! Deploying as a tool does it: to MiniStack, which stands in for AWS, and to an environment that answers what a test says,
//! for what MiniStack does otherwise than AWS.

mod cloud_map_leftovers;
mod comparing;
mod connection;
mod creating;
mod destroying;
mod example_templates;
mod failing;
mod fault_per_call;
mod fixture;
mod ministack;
mod recording_observer;
mod scripted;
mod updating;
mod waiting;
