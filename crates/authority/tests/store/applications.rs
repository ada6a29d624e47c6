//! What of applications only the store's own hand can bring about.

use claviger_authority::applications::credentials::secrets;

use crate::store::{Store, meddle};

#[tokio::test]
async fn a_compromise_tells_where_the_secret_was_used_from() {
    let store = Store::sqlite().await;
    let application = store.application().await;
    let (used, unused) = (store.client_secret(application).await, store.client_secret(application).await);
    let root = store.caller().await;
    secrets::update(
        &store.authority,
        &root,
        application,
        used,
        None,
        &secrets::Update { name: Some("Used".to_owned()), ..Default::default() },
    )
    .await
    .unwrap();
    // As the token endpoint's counters leave it.
    meddle(&store, "UPDATE application_credentials SET last_used_from = '192.0.2.7', last_used_at = 1 WHERE name = 'Used'").await;
    let compromised = async |id| secrets::compromise(&store.authority, &root, application, id, None, true).await.unwrap().value;
    let told = compromised(used).await;
    assert_eq!(told.used_from, ["192.0.2.7"]);
    let replacement = told.replacement.expect("it was asked for").credential;
    assert_eq!((replacement.name.as_str(), replacement.last_used_from), ("Used", None), "the new one has not been anywhere");
    assert_eq!(compromised(unused).await.used_from, Vec::<String>::new());
}
