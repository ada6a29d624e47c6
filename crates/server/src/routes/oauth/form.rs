//! The parameters of a request to an OAuth endpoint (RFC 6749 appendix B): each at most once, except those that may repeat.

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;

use super::refusal::Refusal;
use crate::edge::body::{is_of_type, read_any};

/// Parameters by name. One without a value counts as left out (RFC 6749 section 3.1).
pub struct Form {
    single: HashMap<String, String>,
    /// `resource` may be named several times (RFC 8707 section 2).
    pub resources: Vec<String>,
}

const AT_MOST: usize = 64;

impl Form {
    pub async fn read<B>(request: &mut Request<B>, limit: usize) -> Result<Self, Refusal>
    where
        B: http_body::Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Err(Refusal::invalid_request("parameters belong into the body: those in an address end up in logs"));
        }
        if !is_of_type(request.headers(), "application/x-www-form-urlencoded") {
            return Err(Refusal::invalid_request("send the parameters as application/x-www-form-urlencoded"));
        }
        let body = read_any(request, limit).await?;
        Self::parse(&body)
    }

    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if std::str::from_utf8(body).is_err() {
            return Err(Refusal::invalid_request("the body is not UTF-8"));
        }
        let pairs: Vec<(String, String)> =
            serde_urlencoded::from_bytes(body).map_err(|_| Refusal::invalid_request("the body is not form-urlencoded"))?;
        if pairs.len() > AT_MOST {
            return Err(Refusal::invalid_request(format!("there are more than {AT_MOST} parameters")));
        }
        let mut form = Self { single: HashMap::new(), resources: Vec::new() };
        for (name, value) in pairs {
            if value.is_empty() {
                continue;
            }
            if name == "resource" {
                form.resources.push(value);
            } else if form.single.insert(name.clone(), value).is_some() {
                let name: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(32).collect();
                return Err(Refusal::invalid_request(format!("the parameter {name} came twice")));
            }
        }
        Ok(form)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.single.get(name).map(String::as_str)
    }
}
