-- A token is looked up in one tree: the row stands where its hash does, not in a second tree beside it.

CREATE TABLE token (
    token_hash    BLOB    NOT NULL PRIMARY KEY,
    business_id   INTEGER NOT NULL,
    session_id    INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO token SELECT token_hash, business_id, session_id, created_at FROM session_token ORDER BY token_hash;
DROP TABLE session_token;
ALTER TABLE token RENAME TO session_token;
CREATE INDEX session_token_session ON session_token (session_id);
