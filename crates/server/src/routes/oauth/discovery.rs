//! What an issuer offers, where clients look for it: RFC 8414 and OpenID Connect Discovery, both complete, also in the form
//! with the issuer's path inserted. The addresses come from the configuration, never from a request.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::Issuer;

/// Metadata of the authorization server (RFC 8414).
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth2", security(()), responses((status = 200, description = "RFC 8414 metadata", body = serde_json::Value)))]
pub async fn oauth_authorization_server(Issuer(environment): Issuer) -> Response {
    answer(metadata(&environment.environment.load().issuer))
}

/// The same for clients that know OpenID Connect Discovery only.
#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "oauth2", security(()), responses((status = 200, description = "OpenID Connect Discovery metadata", body = serde_json::Value)))]
pub async fn openid_configuration(Issuer(environment): Issuer) -> Response {
    let mut metadata = metadata(&environment.environment.load().issuer);
    // Required there, though nobody signs in here: libraries refuse a document without them.
    let issuer = metadata["issuer"].as_str().expect("written below").to_owned();
    metadata["authorization_endpoint"] = format!("{issuer}/oauth2/authorize").into();
    metadata["subject_types_supported"] = json!(["public"]);
    metadata["id_token_signing_alg_values_supported"] = json!(["ES256"]);
    answer(metadata)
}

fn metadata(issuer: &str) -> Value {
    let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let algorithms = json!(["ES256", "EdDSA", "PS256"]);
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "jwks_uri": format!("{issuer}/oauth2/jwks"),
        "introspection_endpoint": format!("{issuer}/oauth2/introspect"),
        "revocation_endpoint": format!("{issuer}/oauth2/revoke"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "service_documentation": "https://claviger.dev/docs",
    })
}

fn answer(document: Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, document.to_string()).into_response()
}
