-- What a job worker looks for that may tell no logout: it is not to pass all logouts that are due.

CREATE INDEX job_others ON job (next_at) WHERE kind <> 'logout';
