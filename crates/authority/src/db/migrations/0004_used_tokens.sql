-- Tokens of others that may be used only once (client assertions, DPoP proofs): remembered by every node until they expire.
CREATE TABLE used_tokens (
    environment_id TEXT NOT NULL REFERENCES environments (id),
    id TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (environment_id, id)
);
CREATE INDEX used_tokens_by_end ON used_tokens (environment_id, until);
