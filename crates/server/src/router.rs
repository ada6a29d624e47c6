//! Every route on one page, and the OpenAPI document that describes them.

use std::sync::Arc;

use axum::routing::{any, get, post};
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Content, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::edge::service::note_route;
use crate::routes::{
    access_tokens, api_keys, applications, environments, gateway, health, journal, jwks, management_keys, oauth, operators, organizations,
    owners, resources, signing_keys, verify, whoami,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Claviger",
        description = "Issues, validates and governs machine credentials: API keys and OAuth 2.0 applications.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(claviger_api::problem::Problem, claviger_api::problem::FieldError)),
    tags(
        (name = "verify", description = "Is this credential good, and for what?"),
        (name = "api-keys", description = "Standing credentials of organizations"),
        (name = "applications", description = "Clients of the token endpoint and their credentials"),
        (name = "oauth", description = "The authorization server: tokens for applications"),
        (name = "organizations", description = "Your customers"),
        (name = "owners", description = "Who answers for a credential"),
        (name = "resources", description = "Your protected APIs and their permissions"),
        (name = "environments", description = "Units of isolation"),
        (name = "access", description = "Who may use the management plane"),
        (name = "signing-keys", description = "What access tokens are signed with"),
        (name = "oauth2", description = "What clients and verifiers of access tokens ask"),
        (name = "journal", description = "Every change, in order"),
        (name = "process", description = "Health and metrics")
    )
)]
struct Document;

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(verify::verify))
        .routes(routes!(verify::batch))
        .routes(routes!(whoami::whoami))
        .routes(routes!(gateway::auth_request))
        .routes(routes!(oauth::token::token))
        .routes(routes!(oauth::introspect::introspect))
        .routes(routes!(oauth::revoke::revoke))
        .routes(routes!(oauth::discovery::oauth_authorization_server))
        .routes(routes!(oauth::discovery::openid_configuration))
        .routes(routes!(access_tokens::revoke))
        .routes(routes!(environments::list, environments::create))
        .routes(routes!(environments::read, environments::update))
        .routes(routes!(organizations::list, organizations::create))
        .routes(routes!(organizations::read, organizations::update))
        .routes(routes!(organizations::suspend))
        .routes(routes!(organizations::resume))
        .routes(routes!(organizations::offboard))
        .routes(routes!(owners::list, owners::create))
        .routes(routes!(owners::read, owners::update))
        .routes(routes!(owners::depart))
        .routes(routes!(owners::transfer))
        .routes(routes!(resources::list, resources::create))
        .routes(routes!(resources::read, resources::update, resources::remove))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::bulk::revoke))
        .routes(routes!(api_keys::bulk::import))
        .routes(routes!(api_keys::bulk::export))
        .routes(routes!(api_keys::read, api_keys::update))
        .routes(routes!(api_keys::deeds::rotate))
        .routes(routes!(api_keys::deeds::drop_previous_secrets))
        .routes(routes!(api_keys::deeds::revoke))
        .routes(routes!(api_keys::deeds::undo_revocation))
        .routes(routes!(api_keys::deeds::disable))
        .routes(routes!(api_keys::deeds::enable))
        .routes(routes!(applications::list, applications::create))
        .routes(routes!(applications::read, applications::update))
        .routes(routes!(applications::disable))
        .routes(routes!(applications::enable))
        .routes(routes!(applications::revoke))
        .routes(routes!(applications::undo_revocation))
        .routes(routes!(applications::secrets::list, applications::secrets::create))
        .routes(routes!(applications::secrets::read, applications::secrets::update))
        .routes(routes!(applications::secrets::rotate))
        .routes(routes!(applications::secrets::revoke))
        .routes(routes!(applications::secrets::compromise))
        .routes(routes!(applications::secrets::inventory))
        .routes(routes!(applications::keys::list, applications::keys::create))
        .routes(routes!(applications::keys::read))
        .routes(routes!(applications::keys::revoke))
        .routes(routes!(applications::certificates::list, applications::certificates::create))
        .routes(routes!(applications::certificates::read))
        .routes(routes!(applications::certificates::revoke))
        .routes(routes!(applications::trusts::list, applications::trusts::create))
        .routes(routes!(applications::trusts::read))
        .routes(routes!(applications::trusts::revoke))
        .routes(routes!(management_keys::list, management_keys::create))
        .routes(routes!(management_keys::read))
        .routes(routes!(management_keys::rotate))
        .routes(routes!(management_keys::revoke))
        .routes(routes!(operators::list, operators::create))
        .routes(routes!(operators::read, operators::update))
        .routes(routes!(journal::list))
        .routes(routes!(signing_keys::list))
        .routes(routes!(signing_keys::rotate))
        .routes(routes!(signing_keys::read))
        .routes(routes!(signing_keys::compromise))
        .routes(routes!(jwks::jwks))
        .routes(routes!(jwks::jwks_of))
        .routes(routes!(jwks::pem))
        .routes(routes!(jwks::pem_of))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
}

/// The router with everything behind the hot path.
pub fn router(app: Arc<App>) -> axum::Router {
    let (router, _) = described().split_for_parts();
    router
        // Gateways forward the original method, and nginx asks with GET.
        .route("/v1/gateway/auth-request", any(gateway::auth_request))
        // Other environments: endpoints below the issuer, and metadata with the issuer's path inserted (RFC 8414 section 3.1).
        .route("/{environment}/oauth2/token", post(oauth::token::token))
        .route("/{environment}/oauth2/introspect", post(oauth::introspect::introspect))
        .route("/{environment}/oauth2/revoke", post(oauth::revoke::revoke))
        .route("/.well-known/oauth-authorization-server/{environment}", get(oauth::discovery::oauth_authorization_server))
        .route("/.well-known/openid-configuration/{environment}", get(oauth::discovery::openid_configuration))
        .route("/{environment}/.well-known/oauth-authorization-server", get(oauth::discovery::oauth_authorization_server))
        .route("/{environment}/.well-known/openid-configuration", get(oauth::discovery::openid_configuration))
        .route("/openapi.json", get(health::openapi))
        .fallback(health::no_such_route)
        .method_not_allowed_fallback(health::no_such_method)
        .layer(axum::middleware::from_fn(note_route))
        .with_state(app)
}

/// The document as it is published: `openapi.json` in the repository is this, and a test compares them.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = described().split_for_parts();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("management_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            describe_refusals(operation);
        }
    }
    document
}

/// What every operation behind a credential can answer besides its own answers.
fn describe_refusals(operation: &mut Operation) {
    if operation.security.is_some() {
        // Stated by the operation itself: it is open, or takes another credential.
        return;
    }
    operation.security = Some(vec![SecurityRequirement::new::<_, _, String>("management_key", [])]);
    let refusals = [
        ("400", "The request cannot be read; `code` says why"),
        ("401", "No credential, or not one that may be used now"),
        ("403", "The management key lacks the permission"),
        ("404", "There is no such thing for this caller"),
        ("422", "Values that cannot be accepted, each named by its place"),
        ("503", "Not now; `Retry-After` says when"),
    ];
    for (status, description) in refusals {
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))))
            .build();
        operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    }
}
