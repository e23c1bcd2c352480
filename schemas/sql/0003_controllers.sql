-- The controller that took, or may have taken, what a plan writes first, and when that began; and an entry of the plan
-- that is one too many.

ALTER TABLE plan ADD COLUMN controller TEXT NOT NULL DEFAULT '';
ALTER TABLE plan ADD COLUMN begun_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE plan ADD COLUMN twin TEXT NOT NULL DEFAULT '';
