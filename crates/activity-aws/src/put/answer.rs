//! What an answer to `PutRecords` says, in the form of the API (API Reference, `PutRecords` and "Common errors").

use aws_sdk_kinesis::types::PutRecordsResultEntry;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde::Deserialize;

use crate::kind::shape_name;

/// What is said of one record. Other fields do not matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Entry {
    pub(super) sequence_number: Option<String>,
    pub(super) error_code: Option<String>,
    pub(super) error_message: Option<String>,
}

impl From<PutRecordsResultEntry> for Entry {
    fn from(entry: PutRecordsResultEntry) -> Self {
        let PutRecordsResultEntry { sequence_number, error_code, error_message, .. } = entry;
        Self { sequence_number, error_code, error_message }
    }
}

/// `FailedRecordCount` is not looked at: some services count wrong, and the entries say it all.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    records: Vec<Entry>,
}

/// What a successful answer says, record by record.
pub(super) fn entries(body: &[u8]) -> serde_json::Result<Vec<Entry>> {
    serde_json::from_slice::<Answer>(body).map(|answer| answer.records)
}

/// Code and message of a failure: the code in a header or in the body, without what services put around it.
pub(super) fn error(response: &HttpResponse) -> (Option<String>, Option<String>) {
    let body =
        response.body().bytes().and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok());
    let field = |names: &[&str]| {
        let found = names.iter().find_map(|name| body.as_ref()?.get(name)?.as_str());
        found.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let code =
        response.headers().get("x-amzn-errortype").map(str::to_owned).or_else(|| field(&["code", "__type"]));
    (code.map(|code| shape_name(&code).to_owned()), field(&["message", "Message", "errorMessage"]))
}
