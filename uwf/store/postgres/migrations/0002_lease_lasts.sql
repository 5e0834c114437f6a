-- For how long a lease lasts without being renewed: machines may differ in that, and what collects garbage has to know.

ALTER TABLE lease ADD COLUMN lasts_s double precision NOT NULL DEFAULT 60;
ALTER TABLE lease ALTER COLUMN lasts_s DROP DEFAULT;
