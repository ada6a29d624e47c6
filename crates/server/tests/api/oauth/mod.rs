//! The authorization server: tokens from what an application holds, what they say, what becomes of them, and what is refused.

mod endpoints;
mod signed;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, header};
use serde_json::{Value, json};

use crate::support::{Answer, Claviger, Tenant, text};

pub const RESOURCE: &str = "https://api.example.com";

/// An application with one secret.
pub struct Application {
    pub id: String,
    pub secret_id: String,
    pub secret: String,
}

impl Claviger {
    pub async fn application(&self, tenant: &Tenant, more: Value) -> Application {
        let mut body = json!({
            "organization_id": tenant.organization, "owner_id": tenant.owner, "name": "CI",
            "resources": [{ "identifier": RESOURCE, "permissions": ["posts:read", "posts:write"] }],
        });
        crate::support::merge(&mut body, more);
        let id = text(&self.post("/v1/applications", body).await.expect(201), "id");
        let secret = self.post(&format!("/v1/applications/{id}/secrets"), json!({})).await.expect(201);
        Application { id, secret_id: text(&secret, "id"), secret: text(&secret, "secret") }
    }

    pub async fn form(&self, path: &str, basic: Option<(&str, &str)>, body: &str) -> Answer {
        let mut request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        self.send(request.body(body.to_owned())).await
    }

    pub async fn token(&self, application: &Application, more: &str) -> String {
        let basic = Some((application.id.as_str(), application.secret.as_str()));
        text(&self.form("/oauth2/token", basic, &format!("grant_type=client_credentials{more}")).await.expect(200), "access_token")
    }

    pub async fn introspected(&self, token: &str) -> Value {
        let request = self.request(Method::POST, "/oauth2/introspect").bearer_auth(&self.root);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(format!("token={token}"))).await.expect(200)
    }
}

pub fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
