-- What the directory told last of each linked account, and where the feed of each directory stands.

CREATE TABLE mirror (
	realm TEXT NOT NULL,
	account_id TEXT NOT NULL CHECK (account_id <> ''),
	directory TEXT NOT NULL DEFAULT '',
	stable_id TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT 'live',
	locked BIGINT NOT NULL DEFAULT 0,
	expires_at BIGINT NOT NULL DEFAULT 0,
	password_stamp TEXT NOT NULL DEFAULT '',
	dn TEXT NOT NULL DEFAULT '',
	login TEXT NOT NULL DEFAULT '',
	mail TEXT NOT NULL DEFAULT '',
	attributes TEXT NOT NULL DEFAULT '',
	groups TEXT NOT NULL DEFAULT '',
	read_at BIGINT NOT NULL DEFAULT 0,
	groups_at BIGINT NOT NULL DEFAULT 0,
	seen_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, account_id)
);
CREATE UNIQUE INDEX mirror_stable ON mirror (realm, directory, stable_id);
CREATE INDEX mirror_seen ON mirror (realm, directory, seen_at);
CREATE INDEX mirror_due ON mirror (expires_at) WHERE expires_at > 0 AND state = 'live';

CREATE TABLE feed (
	realm TEXT NOT NULL,
	directory TEXT NOT NULL CHECK (directory <> ''),
	kind TEXT NOT NULL DEFAULT '',
	cookie BYTEA NOT NULL,
	controller TEXT NOT NULL DEFAULT '',
	detail TEXT NOT NULL DEFAULT '',
	state TEXT NOT NULL DEFAULT 'starting',
	heard_at BIGINT NOT NULL DEFAULT 0,
	told_at BIGINT NOT NULL DEFAULT 0,
	groups_at BIGINT NOT NULL DEFAULT 0,
	pass_at BIGINT NOT NULL DEFAULT 0,
	reconciled_at BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (realm, directory)
);
