-- The first schema. Shared by SQLite and PostgreSQL: TEXT, BIGINT and BYTEA only, no column without a value, and
-- ids that sort by bytes. BYTEA holds bytes in both (SQLite keeps a blob as it is under any type).
-- WITHOUT ROWID is for SQLite, which then keeps a row in the tree of its key; a driver for PostgreSQL leaves it out.
-- Times are milliseconds since 1970; 0 is "not yet". *_hash columns hold hashes of bearer secrets, never the secrets.

CREATE TABLE generation (
	name TEXT NOT NULL PRIMARY KEY,
	n BIGINT NOT NULL
);
INSERT INTO generation (name, n) VALUES ('all', 0), ('check', 0);

CREATE TABLE registration (
	realm TEXT NOT NULL,
	id TEXT NOT NULL CHECK (id <> ''),
	profile TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT 'submitted',
	mail TEXT NOT NULL DEFAULT '',
	mail_key TEXT NOT NULL DEFAULT '',
	fields TEXT NOT NULL DEFAULT '',
	login_proposed TEXT NOT NULL DEFAULT '',
	login TEXT NOT NULL DEFAULT '',
	base TEXT NOT NULL DEFAULT '',
	groups TEXT NOT NULL DEFAULT '',
	approval_why TEXT NOT NULL DEFAULT '',
	decided_by TEXT NOT NULL DEFAULT '',
	reason TEXT NOT NULL DEFAULT '',
	decided_at BIGINT NOT NULL DEFAULT 0,
	plan_id TEXT NOT NULL DEFAULT '',
	account_id TEXT NOT NULL DEFAULT '',
	address TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL DEFAULT 0,
	updated_at BIGINT NOT NULL DEFAULT 0,
	verified_at BIGINT NOT NULL DEFAULT 0,
	reminded_at BIGINT NOT NULL DEFAULT 0,
	due_at BIGINT NOT NULL DEFAULT 0,
	version BIGINT NOT NULL DEFAULT 0,
	login_key TEXT NOT NULL DEFAULT '', -- the login created, else the one proposed, in lower case
	search TEXT NOT NULL DEFAULT '',    -- what a search looks through, in lower case
	PRIMARY KEY (realm, id)
);
CREATE INDEX registration_mail ON registration (realm, mail_key, created_at, id);
CREATE INDEX registration_profile ON registration (realm, profile, id);
CREATE INDEX registration_state ON registration (realm, profile, state, id);
CREATE INDEX registration_login ON registration (realm, login_key) WHERE login_key <> '';
CREATE INDEX registration_due ON registration (due_at) WHERE due_at > 0;

CREATE TABLE plan (
	realm TEXT NOT NULL,
	id TEXT NOT NULL CHECK (id <> ''),
	registration_id TEXT NOT NULL DEFAULT '',
	directory TEXT NOT NULL DEFAULT '',
	body TEXT NOT NULL DEFAULT '',
	digest TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT 'queued',
	candidate BIGINT NOT NULL DEFAULT 0,
	step BIGINT NOT NULL DEFAULT 0,
	dn TEXT NOT NULL DEFAULT '',
	stable_id TEXT NOT NULL DEFAULT '',
	failure TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL DEFAULT 0,
	updated_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, id)
);
CREATE INDEX plan_registration ON plan (realm, registration_id);
CREATE INDEX plan_state ON plan (realm, state, id);

CREATE TABLE plan_step (
	realm TEXT NOT NULL,
	plan_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	step BIGINT NOT NULL DEFAULT 0,
	title TEXT NOT NULL DEFAULT '',
	controller TEXT NOT NULL DEFAULT '',
	diagnostic TEXT NOT NULL DEFAULT '',
	result BIGINT NOT NULL DEFAULT 0,
	ms BIGINT NOT NULL DEFAULT 0,
	at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, plan_id, seq),
	FOREIGN KEY (realm, plan_id) REFERENCES plan (realm, id) ON DELETE CASCADE
);

CREATE TABLE account (
	realm TEXT NOT NULL,
	id TEXT NOT NULL CHECK (id <> ''),
	directory TEXT NOT NULL DEFAULT '',
	stable_id TEXT NOT NULL CHECK (stable_id <> ''),
	sub TEXT NOT NULL CHECK (sub <> ''),
	dn TEXT NOT NULL DEFAULT '',
	login TEXT NOT NULL DEFAULT '',
	mail TEXT NOT NULL DEFAULT '',
	marker TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL DEFAULT 0,
	last_login_at BIGINT NOT NULL DEFAULT 0,
	login_key TEXT NOT NULL DEFAULT '', -- the login in lower case
	search TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (realm, id)
);
CREATE UNIQUE INDEX account_stable ON account (realm, directory, stable_id);
CREATE UNIQUE INDEX account_sub ON account (realm, sub);
CREATE INDEX account_login ON account (realm, login_key) WHERE login_key <> '';

CREATE TABLE ticket (
	realm TEXT NOT NULL,
	hash TEXT NOT NULL CHECK (hash <> ''),
	purpose TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	bound TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL DEFAULT 0,
	lease_until BIGINT NOT NULL DEFAULT 0,
	used_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, hash)
);
CREATE INDEX ticket_subject ON ticket (realm, subject, purpose);
CREATE INDEX ticket_expires ON ticket (expires_at);

CREATE TABLE session (
	realm TEXT NOT NULL,
	id_hash TEXT NOT NULL CHECK (id_hash <> ''),
	sid TEXT NOT NULL CHECK (sid <> ''),
	account_id TEXT NOT NULL DEFAULT '',
	amr TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL DEFAULT 0,
	auth_time BIGINT NOT NULL DEFAULT 0,
	seen_at BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL DEFAULT 0,
	address TEXT NOT NULL DEFAULT '',
	agent TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (realm, id_hash)
) WITHOUT ROWID;
CREATE UNIQUE INDEX session_sid ON session (realm, sid);
CREATE INDEX session_account ON session (realm, account_id, created_at);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE job (
	id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
	realm TEXT NOT NULL,
	kind TEXT NOT NULL,
	state TEXT NOT NULL DEFAULT 'queued',
	subject TEXT NOT NULL DEFAULT '',
	body TEXT NOT NULL DEFAULT '',
	due_at BIGINT NOT NULL DEFAULT 0,
	attempts BIGINT NOT NULL DEFAULT 0,
	lease_until BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL DEFAULT 0,
	failure TEXT NOT NULL DEFAULT '',
	next_at BIGINT NOT NULL -- when a runner may take it: due_at while queued, lease_until while running, the largest number while parked
);
CREATE INDEX job_next ON job (next_at);
CREATE INDEX job_realm ON job (realm, id);
CREATE INDEX job_list ON job (realm, state, id);
CREATE INDEX job_subject ON job (realm, subject, kind, id);
CREATE INDEX job_state ON job (state);

CREATE TABLE audit (
	realm TEXT NOT NULL,
	id TEXT NOT NULL CHECK (id <> ''),
	actor TEXT NOT NULL DEFAULT '',
	action TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	detail TEXT NOT NULL DEFAULT '',
	reference TEXT NOT NULL DEFAULT '',
	address TEXT NOT NULL DEFAULT '',
	at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, id)
) WITHOUT ROWID;
CREATE INDEX audit_subject ON audit (realm, subject, id);
CREATE INDEX audit_actor ON audit (realm, actor, id);

CREATE TABLE oidc_grant (
	realm TEXT NOT NULL,
	id TEXT NOT NULL CHECK (id <> ''),
	client TEXT NOT NULL DEFAULT '',
	account_id TEXT NOT NULL DEFAULT '',
	sid TEXT NOT NULL DEFAULT '',
	scope TEXT NOT NULL DEFAULT '',
	nonce TEXT NOT NULL DEFAULT '',
	redirect_uri TEXT NOT NULL DEFAULT '',
	challenge TEXT NOT NULL DEFAULT '',
	code_hash TEXT NOT NULL DEFAULT '',
	code_expires_at BIGINT NOT NULL DEFAULT 0,
	code_used_at BIGINT NOT NULL DEFAULT 0,
	auth_time BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL DEFAULT 0,
	revoked_at BIGINT NOT NULL DEFAULT 0,
	amr TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (realm, id)
) WITHOUT ROWID;
CREATE INDEX oidc_grant_account ON oidc_grant (realm, account_id, id);
CREATE INDEX oidc_grant_sid ON oidc_grant (realm, sid, id) WHERE sid <> '';
CREATE INDEX oidc_grant_expires ON oidc_grant (expires_at);
CREATE INDEX oidc_grant_revoked ON oidc_grant (revoked_at) WHERE revoked_at > 0;

CREATE TABLE refresh_token (
	realm TEXT NOT NULL,
	hash TEXT NOT NULL CHECK (hash <> ''),
	grant_id TEXT NOT NULL,
	client TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL DEFAULT 0,
	used_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, hash),
	FOREIGN KEY (realm, grant_id) REFERENCES oidc_grant (realm, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX refresh_token_grant ON refresh_token (realm, grant_id);
CREATE INDEX refresh_token_expires ON refresh_token (expires_at);

CREATE TABLE revoked_token (
	realm TEXT NOT NULL,
	jti TEXT NOT NULL CHECK (jti <> ''),
	expires_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, jti)
);
CREATE INDEX revoked_token_expires ON revoked_token (expires_at);

CREATE TABLE consent (
	realm TEXT NOT NULL,
	account_id TEXT NOT NULL CHECK (account_id <> ''),
	client TEXT NOT NULL CHECK (client <> ''),
	scope TEXT NOT NULL DEFAULT '',
	at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, account_id, client)
);

CREATE TABLE signing_key (
	realm TEXT NOT NULL,
	kid TEXT NOT NULL CHECK (kid <> ''),
	alg TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT 'next',
	public_jwk TEXT NOT NULL DEFAULT '',
	sealed BYTEA NOT NULL,
	created_at BIGINT NOT NULL DEFAULT 0,
	retired_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, kid)
);
