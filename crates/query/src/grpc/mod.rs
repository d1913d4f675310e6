//! The gRPC services, one file each. A handler is five short moves; everything shared stands beside this folder.

mod assignment;
mod inbox;
// mod metrics;
mod pause;
