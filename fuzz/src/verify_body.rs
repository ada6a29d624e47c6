//! A body of `/v1/verify`: parsing never panics, and a refusal never repeats what it was given.

use claviger_api::verify::VerifyRequest;
use claviger_server::edge::body::parse;

const SECRET: &str = "hunter2hunter2hunter2hunter2hunter2hunter2hunter2";

pub fn verify_body(data: &[u8]) {
    match parse::<VerifyRequest<'_>>(data) {
        Ok(request) => {
            let text = serde_json::to_vec(&request).expect("what was parsed can be written");
            let again: VerifyRequest<'_> = parse(&text).expect("what was written can be parsed");
            assert_eq!((again.credential, again.permissions, again.cost), (request.credential, request.permissions, request.cost));
        }
        Err(problem) => assert!(!String::from_utf8_lossy(&problem.body("r")).contains(SECRET), "a refusal repeats a value"),
    }
}
