//! What SQL sees: the functions behind the view `activity_stream.status`, and `activity_stream.flush`.

mod flush;
mod status;
