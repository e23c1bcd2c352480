-- Plans that change people who are there, and accounts that end by a date that Usher keeps.

ALTER TABLE plan ADD COLUMN account_id TEXT NOT NULL DEFAULT '';
CREATE INDEX plan_account ON plan (realm, account_id, id) WHERE account_id <> '';
CREATE INDEX plan_draft ON plan (created_at) WHERE state = 'draft';
CREATE INDEX plan_ended ON plan (updated_at) WHERE account_id <> '' AND state IN ('done', 'cancelled');
ALTER TABLE account ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX account_due ON account (expires_at) WHERE expires_at > 0;
