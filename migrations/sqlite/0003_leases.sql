-- Leases: what an instance last said of itself, by which its lease is counted, and who expires.
-- lease_state is a state of t_server_conf, or `expired` (its lease ran out), or `ended` (a tombstone).

ALTER TABLE tarsregistry_instance ADD COLUMN lease_state TEXT NOT NULL DEFAULT 'active';
CREATE INDEX tarsregistry_instance_lease ON tarsregistry_instance (lease_state, last_beat);
UPDATE tarsregistry_instance SET lease_state = 'ended' WHERE removed_at IS NOT NULL;

CREATE TABLE tarsregistry_leader (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    held_until TEXT NOT NULL
);
