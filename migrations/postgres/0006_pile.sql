-- What a pile of deliveries is asked for again and again: who has something due, and what is held by a node.

CREATE INDEX delivery_waiting ON delivery (business_id, kind, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_held ON delivery (node, due_at) WHERE node IS NOT NULL;
