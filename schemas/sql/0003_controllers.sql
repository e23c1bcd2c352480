-- The controller that took, or may have taken, what a plan writes first, and when that began.

ALTER TABLE plan ADD COLUMN controller TEXT NOT NULL DEFAULT '';
ALTER TABLE plan ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;
