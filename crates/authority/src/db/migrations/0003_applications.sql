-- M2M applications: clients of the token endpoint, each of one organization and one owner. The id is the client_id.
CREATE TABLE applications (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    owner_id TEXT NOT NULL REFERENCES owners (id),
    name TEXT NOT NULL,
    purpose TEXT,
    status TEXT NOT NULL,
    token_lifetime_seconds BIGINT,
    require_dpop BIGINT NOT NULL,
    ratelimit TEXT,
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_by TEXT NOT NULL,
    revoked_at BIGINT,
    revocation_reason TEXT,
    revocation_comment TEXT,
    undo_until BIGINT,
    status_before_revocation TEXT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX applications_by_environment ON applications (environment_id, created_at, id);
CREATE INDEX applications_by_organization ON applications (environment_id, organization_id, created_at, id);
CREATE INDEX applications_by_owner ON applications (environment_id, owner_id, created_at, id);

-- What an application may ask tokens for. A resource without permissions has one row with an empty name.
CREATE TABLE application_permissions (
    application_id TEXT NOT NULL REFERENCES applications (id),
    resource_id TEXT NOT NULL REFERENCES resources (id),
    permission TEXT NOT NULL,
    PRIMARY KEY (application_id, resource_id, permission)
);
CREATE INDEX application_permissions_by_permission ON application_permissions (resource_id, permission, application_id);

CREATE TABLE application_tags (
    application_id TEXT NOT NULL REFERENCES applications (id),
    tag TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    PRIMARY KEY (application_id, tag)
);
CREATE INDEX application_tags_by_tag ON application_tags (environment_id, tag, application_id);

-- How an application proves who it is: client_secret, public_key, certificate or trust. The digest of a client secret
-- stands in `secrets` under the same id; `material` is what the other kinds are recognised by, as JSON.
CREATE TABLE application_credentials (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    application_id TEXT NOT NULL REFERENCES applications (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    material TEXT NOT NULL,
    stored_in TEXT,
    status TEXT NOT NULL,
    expires_at BIGINT,
    created_by TEXT NOT NULL,
    revoked_at BIGINT,
    revocation_reason TEXT,
    revocation_comment TEXT,
    last_used_at BIGINT,
    last_used_from TEXT,
    use_count BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX application_credentials_by_application ON application_credentials (application_id, created_at, id);
CREATE INDEX application_credentials_by_environment ON application_credentials (environment_id, kind, created_at, id);

-- Access tokens that must not be accepted although they have not expired: those of a subject (a jti, a minting
-- credential, an application) issued up to `not_before`. Gone once the last of them has expired.
CREATE TABLE token_revocations (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    subject TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (environment_id, subject)
);
