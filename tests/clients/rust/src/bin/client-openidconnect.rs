use claviger_clients::{Asked, Failed, Token, answer, issuer};
use openidconnect::core::{CoreClient, CoreProviderMetadata};
use openidconnect::{AuthType, ClientId, ClientSecret, IssuerUrl, OAuth2TokenResponse as _, RequestTokenError, Scope, TokenUrl, reqwest};

fn main() {
    // No redirects: a token endpoint has none.
    let http = reqwest::blocking::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let issuer = IssuerUrl::new(issuer()).expect("an address");
    let metadata = CoreProviderMetadata::discover(&issuer, &http).expect("the issuer can be discovered");
    let token_url: TokenUrl = metadata.token_endpoint().expect("there is a token endpoint").clone();

    let get = |Asked { auth, client_id, client_secret, resource, scope, .. }: Asked| {
        let (id, secret) = (ClientId::new(client_id), ClientSecret::new(client_secret));
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret)).set_token_uri(token_url.clone());
        let client = client.set_auth_type(if auth == "post" { AuthType::RequestBody } else { AuthType::BasicAuth });
        let answer = client
            .exchange_client_credentials()
            .add_scopes(scope.split(' ').map(|name| Scope::new(name.to_owned())))
            .add_extra_param("resource", resource)
            .request(&http);
        let token = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(told) => Failed::Refused(told.error().to_string()),
            other => Failed::Broken(format!("{other:?}")),
        })?;
        let scopes = token.scopes().into_iter().flatten().map(|scope| scope.as_str()).collect::<Vec<_>>();
        Ok(Token {
            token: token.access_token().secret().clone(),
            scope: scopes.join(" "),
            expires_in: token.expires_in().map_or(0, |lifetime| lifetime.as_secs()),
        })
    };
    answer(get);
}
