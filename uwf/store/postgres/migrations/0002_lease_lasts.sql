-- For how long a lease lasts without being renewed: machines may differ in that, and what collects garbage has to know.
-- An older uwf does not say it. It takes a lease, and is refused with the first that it writes.

ALTER TABLE lease ADD COLUMN lasts_s double precision NOT NULL DEFAULT 60;
