//! What SQL sees: the functions behind the views `activity_stream.status` and `activity_stream.settings`, and `activity_stream.flush`.

mod flush;
mod settings;
mod status;
