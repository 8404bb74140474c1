//! How the SDK sends a request to Kinesis: watched once, of any call of a client, and kept for `PutRecords`.

use std::sync::{OnceLock, Weak};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::direct::Direct;
use crate::credentials::Identities;

/// Watches a client until it has seen a signed request.
///
/// The components that it keeps have it among them, so it does not own the place where it puts them.
#[derive(Debug)]
pub(super) struct Learn {
    pub(super) learned: Weak<OnceLock<Direct>>,
    pub(super) identities: Identities,
}

impl Intercept for Learn {
    fn name(&self) -> &'static str {
        "Learn"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(learned) = self.learned.upgrade().filter(|learned| learned.get().is_none()) else {
            return Ok(());
        };
        if let Some(direct) = Direct::of(context.request(), components, config, &self.identities) {
            // Another call may have been the first, with the same result.
            let _learned_before = learned.set(direct);
        }
        Ok(())
    }
}
