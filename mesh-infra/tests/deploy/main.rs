//! Deploying as a tool does it: to MiniStack, which stands in for AWS, and to an account that answers what a test says,
//! for what MiniStack does otherwise than AWS.

mod changing;
mod comparing;
mod connection;
mod creating;
mod described;
mod destroying;
mod each_call;
mod failing;
mod leftovers;
mod notes;
mod place;
mod scripted;
mod server;
mod waiting;
