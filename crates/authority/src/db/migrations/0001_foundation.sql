-- Times are microseconds since the Unix epoch, UTC. Ids come from the application.
-- BYTEA holds bytes on both engines; JSON is kept as TEXT.

CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    key_prefix TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Secrets of the server itself, sealed under the master key (AES-256-GCM).
CREATE TABLE sealed_keys (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    type TEXT NOT NULL,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (environment_id, type, version)
);

-- One row per environment: every change locks it first, so commit order is sequence order.
CREATE TABLE journal_heads (
    environment_id TEXT PRIMARY KEY REFERENCES environments (id),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE journal (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    organization_id TEXT,
    actor_id TEXT NOT NULL,
    change_id TEXT NOT NULL,
    leaf TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (environment_id, seq)
);
CREATE INDEX journal_by_subject ON journal (environment_id, subject_id, seq);

CREATE TABLE organizations (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    name TEXT NOT NULL,
    external_id TEXT,
    status TEXT NOT NULL,
    metadata TEXT NOT NULL,
    status_changed_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (environment_id, external_id)
);
CREATE INDEX organizations_by_environment ON organizations (environment_id, id);

CREATE TABLE owners (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    organization_id TEXT REFERENCES organizations (id),
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    external_id TEXT,
    status TEXT NOT NULL,
    departed_at BIGINT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (environment_id, external_id)
);
CREATE INDEX owners_by_environment ON owners (environment_id, id);

CREATE TABLE resources (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    identifier TEXT NOT NULL,
    name TEXT NOT NULL,
    token TEXT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (environment_id, identifier)
);

CREATE TABLE resource_permissions (
    resource_id TEXT NOT NULL REFERENCES resources (id),
    name TEXT NOT NULL,
    description TEXT,
    risk TEXT NOT NULL,
    PRIMARY KEY (resource_id, name)
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    owner_id TEXT NOT NULL REFERENCES owners (id),
    resource_id TEXT REFERENCES resources (id),
    permissions TEXT NOT NULL,
    name TEXT NOT NULL,
    purpose TEXT,
    hint TEXT NOT NULL,
    status TEXT NOT NULL,
    origin TEXT NOT NULL,
    expires_at BIGINT,
    allowed_cidrs TEXT NOT NULL,
    ratelimit TEXT,
    quota TEXT,
    metadata TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_by TEXT NOT NULL,
    revoked_at BIGINT,
    revocation_reason TEXT,
    revocation_comment TEXT,
    undo_until BIGINT,
    status_before_revocation TEXT,
    last_used_at BIGINT,
    last_used_from TEXT,
    use_count BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX api_keys_by_environment ON api_keys (environment_id, created_at, id);
CREATE INDEX api_keys_by_organization ON api_keys (environment_id, organization_id, created_at, id);
CREATE INDEX api_keys_by_owner ON api_keys (environment_id, owner_id, created_at, id);

CREATE TABLE api_key_permissions (
    api_key_id TEXT NOT NULL REFERENCES api_keys (id),
    resource_id TEXT NOT NULL REFERENCES resources (id),
    permission TEXT NOT NULL,
    exercised_at BIGINT,
    PRIMARY KEY (api_key_id, permission)
);
CREATE INDEX api_key_permissions_by_permission ON api_key_permissions (resource_id, permission, api_key_id);

CREATE TABLE api_key_tags (
    api_key_id TEXT NOT NULL REFERENCES api_keys (id),
    tag TEXT NOT NULL,
    environment_id TEXT NOT NULL,
    PRIMARY KEY (api_key_id, tag)
);
CREATE INDEX api_key_tags_by_tag ON api_key_tags (environment_id, tag, api_key_id);

-- What is left of a quota, apart from its definition: written behind by the gate.
CREATE TABLE api_key_quotas (
    api_key_id TEXT PRIMARY KEY REFERENCES api_keys (id),
    remaining BIGINT NOT NULL,
    refilled_at BIGINT NOT NULL
);

-- The secrets of API keys and management keys: digests only.
CREATE TABLE secrets (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    credential_id TEXT NOT NULL,
    scheme TEXT NOT NULL,
    pepper_version BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    hint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retires_at BIGINT,
    last_used_at BIGINT,
    last_used_from TEXT,
    UNIQUE (environment_id, digest)
);
CREATE INDEX secrets_by_credential ON secrets (credential_id, created_at);

CREATE TABLE operators (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (environment_id, email)
);

CREATE TABLE management_keys (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id),
    owner_id TEXT NOT NULL REFERENCES owners (id),
    operator_id TEXT REFERENCES operators (id),
    organization_id TEXT REFERENCES organizations (id),
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    grantable TEXT,
    hint TEXT NOT NULL,
    status TEXT NOT NULL,
    expires_at BIGINT,
    created_by TEXT NOT NULL,
    revoked_at BIGINT,
    revocation_reason TEXT,
    last_used_at BIGINT,
    last_used_from TEXT,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX management_keys_by_environment ON management_keys (environment_id, created_at, id);
CREATE INDEX management_keys_by_owner ON management_keys (environment_id, owner_id);

-- The answer to a create, remembered by the caller's Idempotency-Key. Never a secret.
CREATE TABLE idempotency (
    environment_id TEXT NOT NULL,
    caller_id TEXT NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_digest BYTEA NOT NULL,
    object_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (environment_id, caller_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created_at);
