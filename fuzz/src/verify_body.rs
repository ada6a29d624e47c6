//! A body of `/v1/verify`: parsing never panics, what is accepted survives being written again,
//! and a refusal repeats nothing that stood in the place of a value.

use claviger_api::verify::VerifyRequest;
use claviger_server::edge::{Problem, body::parse};

/// So many characters of the body in a row may be a secret. A wrong field is named by up to 40, with what stands around.
const SECRET: usize = 48;
const PLANTED: &str = "acme_live_ak_06kD3vZ8yT1mXqP5w_0123456789hunter2";

/// The input is read as a body; a second time with a secret as a text wherever it holds an `@`.
pub fn verify_body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(problem) = any_body(data) {
        let told = told(&problem);
        for run in text.chars().collect::<Vec<_>>().windows(SECRET) {
            let run: String = run.iter().collect();
            assert!(!told.contains(&run), "a refusal repeats {run:?}: {told}");
        }
    }
    // The input must not hold by itself what is looked for.
    let planted = text.replace("hunter2", "").replace('@', &format!("\"{PLANTED}\""));
    if let Err(problem) = any_body(planted.as_bytes()) {
        let told = told(&problem);
        assert!(!told.contains("hunter2"), "a refusal tells the credential: {told}");
    }
}

fn any_body(data: &[u8]) -> Result<(), Problem> {
    let request: VerifyRequest<'_> = parse(data)?;
    let text = serde_json::to_string(&request).expect("what was parsed can be written");
    let again: VerifyRequest<'_> = parse(text.as_bytes()).expect("what was written can be parsed");
    assert_eq!(format!("{again:?}"), format!("{request:?}"));
    Ok(())
}

/// Everything that depends on the body in what the caller hears.
fn told(problem: &Problem) -> String {
    assert!(problem.status.is_client_error());
    assert!(serde_json::from_slice::<serde_json::Value>(&problem.body("req")).is_ok());
    let pieces = problem.errors.iter().flat_map(|error| [&error.pointer, &error.detail]).chain([&problem.detail]);
    pieces.map(String::as_str).collect::<Vec<_>>().join("\n")
}
