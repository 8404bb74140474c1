//! Amazon Resource Names: the few fields that notices need.
//!
//! `arn:<partition>:<service>:<region>:<account>:<resource>`, as in the IAM reference.

/// The fields of an ARN, as they are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// `None` for what is no ARN, such as a plain name.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        if fields.next() != Some("arn") {
            return None;
        }
        let (partition, _service) = (fields.next()?, fields.next()?);
        let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Self { partition, region, account, resource })
    }
}

/// The partition that a region belongs to, by the prefix of its name.
pub(crate) fn partition_of(region: &str) -> &'static str {
    const PREFIXES: [(&str, &str); 5] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eusc-", "aws-eusc"),
    ];
    let known = PREFIXES.iter().find(|(prefix, _)| region.starts_with(prefix));
    known.map_or("aws", |(_, partition)| partition)
}

/// Host of the management console of a partition.
pub(crate) fn console_of(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_fields_of_an_arn_are_told_apart_and_a_name_is_none() {
        let arn = Arn::parse("arn:aws-cn:sns:cn-north-1:123456789012:alerts.fifo");
        let expected = Arn {
            partition: "aws-cn",
            region: "cn-north-1",
            account: "123456789012",
            resource: "alerts.fifo",
        };
        assert_eq!(arn, Some(expected));
        for text in ["", "default", "arn:aws:sns", "urn:aws:sns:r:a:t"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_region_has_its_partition() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("us-east-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
        ] {
            assert_eq!(partition_of(region), partition);
        }
    }
}
