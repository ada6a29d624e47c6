//! Request bodies: JSON of a known shape, read only after the caller was let in.
//! An error names the place and what would be right there, never what stood there.

use axum::extract::FromRequest;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use claviger_api::problem::FieldError;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;
use super::service::BodyLimit;

/// A JSON body: in requests parsed strictly, in responses written with `Cache-Control: no-store`.
pub struct Json<T> {
    pub value: T,
    /// The body as it came: an `Idempotency-Key` is bound to it.
    pub raw: Bytes,
}

impl<T> Json<T> {
    pub fn answer(value: T) -> Self {
        Self { value, raw: Bytes::new() }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.value).expect("an answer can be written");
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, body).into_response()
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(mut request: axum::extract::Request, _: &S) -> Result<Self, Problem> {
        let limit = request.extensions().get::<BodyLimit>().expect("the service notes the limit of every route").0;
        let raw = read(&mut request, limit).await?;
        // An empty body stands for an empty object, for deeds that need no words.
        let text: &[u8] = if raw.is_empty() { b"{}" } else { &raw };
        Ok(Self { value: parse(text)?, raw })
    }
}

/// Reads a JSON body of at most `limit` bytes.
pub async fn read<B>(request: &mut Request<B>, limit: usize) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let has_body = declared_length(request.headers()).is_none_or(|length| length > 0) && !request.body().is_end_stream();
    if has_body && !is_of_type(request.headers(), "application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            "The body is not JSON",
            "send `Content-Type: application/json`",
        ));
    }
    read_any(request, limit).await
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether the body is of that media type, whatever its parameters.
pub fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(wanted)
}

/// Reads a body of at most `limit` bytes, whatever it is.
pub async fn read_any<B>(request: &mut Request<B>, limit: usize) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let declared = declared_length(request.headers());
    if declared.is_some_and(|length| length > limit + DISCARDED) {
        return Err(too_large(limit));
    }
    let body = request.body_mut();
    let (mut first, mut joined, mut seen) = (Bytes::new(), BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "BODY_INCOMPLETE", "The body did not arrive", "the connection ended inside the body")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > limit + DISCARDED {
            break;
        }
        // Nearly every body comes in one piece, and is then not copied.
        match (seen <= limit, first.is_empty(), joined.is_empty()) {
            (false, ..) => continue,
            (true, true, _) => first = data,
            (true, false, true) => joined.extend([&first[..], &data].concat()),
            (true, false, false) => joined.extend(data),
        }
    }
    match seen > limit {
        true => Err(too_large(limit)),
        false if joined.is_empty() => Ok(first),
        false => Ok(joined.freeze()),
    }
}

/// How much of a body beyond its limit is read and thrown away, so that the client hears the refusal instead of a reset.
const DISCARDED: usize = 256 * 1024;

fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", "The body is too large", format!("at most {limit} bytes are read here"))
}

/// Parses strictly: unknown fields, wrong types and doubled fields are refused, each by its place.
pub fn parse<'a, T: serde::Deserialize<'a>>(text: &'a [u8]) -> Result<T, Problem> {
    // Most bodies are good: only for one that is not, the way to the mistake is looked for.
    if let Ok(parsed) = serde_json::from_slice(text) {
        return Ok(parsed);
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        problem(&pointer, error.inner())
    })?;
    reader.end().map_err(|error| problem("", &error))?;
    Ok(parsed)
}

fn problem(pointer: &str, error: &serde_json::Error) -> Problem {
    use serde_json::error::Category;
    let words = words(error);
    match error.classify() {
        Category::Data => {
            let mut problem = Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "INVALID_VALUE",
                "A value cannot be accepted",
                format!("{pointer} {words}").trim().to_owned(),
            );
            problem.errors = vec![FieldError { pointer: pointer.to_owned(), detail: words }];
            problem
        }
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "INVALID_JSON",
            "The body is not JSON",
            format!("at line {} column {}: {words}", error.line(), error.column()),
        ),
    }
}

/// The parser's words without its place and without the value it met: that may be a secret.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(words, _)| words);
    // A field or variant is named, but not when its name may be a secret in the wrong place.
    for kind in ["field", "variant"] {
        let Some(unknown) = text.strip_prefix("unknown ").and_then(|text| text.strip_prefix(kind)).and_then(|text| text.strip_prefix(" `"))
        else {
            continue;
        };
        // The names that are known follow; the unknown one may hold anything, these words too.
        let end = ["`, expected ", "`, there are no "].iter().filter_map(|words| unknown.rfind(words)).max().unwrap_or(0);
        let (name, rest) = (&unknown[..end], unknown[end..].trim_start_matches("`, "));
        if name.chars().count() > LONGEST_NAME {
            return format!("unknown {kind} with a name of {} characters, {rest}", name.chars().count());
        }
    }
    let Some(kind) = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: ")) else { return text.to_owned() };
    let met = kind.split([' ', '`']).next().unwrap_or("value");
    let expected = kind.rsplit_once("expected ").map_or("another", |(_, expected)| expected);
    let expected = expected.strip_prefix("struct ").map_or(expected, |_| "an object");
    format!("is a {met} where {expected} is expected")
}

/// No field of the contract is longer than this, and no secret worth its name is shorter.
const LONGEST_NAME: usize = 24;

/// `keys[3].name` as a JSON Pointer: `/keys/3/name`.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                let name: String = key.chars().take(LONGEST_NAME).collect();
                pointer.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
            }
            Segment::Unknown => {}
        }
    }
    pointer
}
