-- Keys that sign access tokens. `id` is the RFC 7638 thumbprint of `jwk`, the public half. `sealed` is the private half under
-- the master key: NULL where a provider holds it, and as soon as the key no longer signs. `usable_from` is NULL
-- for a key that need not wait. Rows are never removed.
CREATE TABLE signing_keys (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    status TEXT NOT NULL,
    provider TEXT NOT NULL,
    sealed BYTEA,
    jwk TEXT NOT NULL,
    usable_from BIGINT,
    created_at BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    activated_at BIGINT,
    retired_at BIGINT,
    gone_at BIGINT,
    compromised_at BIGINT,
    revision BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
-- Two keys that sign for one algorithm are a mistake in this program.
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (environment_id, algorithm) WHERE status = 'active';
