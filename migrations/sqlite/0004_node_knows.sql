-- Which schema the program of a running server knows: one that knows less than a step asks for is stopped first.
-- And whether a life that is over (`until` is negative) has ended in good order.

ALTER TABLE node ADD COLUMN knows INTEGER NOT NULL DEFAULT 1;
ALTER TABLE node ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
